/** The tables of docs/scaling.md, computed from what was measured. Pure. */
import { formatNumber } from '../format.js';
import { summarise } from '../judge.js';
import { type Results } from '../results.js';
import { type SizeFigures, type Sizes } from '../sizes.js';
import { medianOf } from '../statistics.js';
import { formatTable } from './markdown.js';

const GIGABYTE = 1e9;
const LEDGER_EVENTS = 100e6;
const DAY_SECONDS = 86_400;
const RATES = [1, 10, 100, 1_000];
/** Of what is on the queue, an outage of the database included. */
const OUTAGE_HOURS = 4;
const COMPLETED_COUNT = 100_000;

/** By the name of the table's place in the document. */
export function renderSizing({
  results,
  sizes,
}: {
  results: Results | undefined;
  sizes: Sizes;
}): Record<string, string> {
  return {
    bytes: tabulateBytes(sizes),
    redis: tabulateRedis(sizes),
    ledger: tabulateLedger(sizes),
    partitions: tabulatePartitions(sizes),
    processes: tabulateProcesses(results),
  };
}

function tabulateBytes({ sizes, measuredAt }: Sizes): string {
  const head = [
    'event',
    'body',
    'waiting in Redis',
    'ledger row',
    'its indexes',
    'row once pruned',
    'the user',
  ];
  const rows = sizes.map((one) => [
    one.size,
    ...[one.body, one.queued, one.ledgerRow, one.ledgerIndexes, one.prunedRow, one.user].map(
      formatNumber,
    ),
  ]);
  return `Bytes an event, measured ${measuredAt.slice(0, 10)}:\n\n${formatTable(head, rows)}`;
}

function tabulateRedis({ sizes }: Sizes): string {
  const head = [
    'event',
    `${formatNumber(COMPLETED_COUNT)} completed jobs`,
    ...RATES.map((rate) => `${OUTAGE_HOURS} h at ${formatNumber(rate)}/s`),
  ];
  const rows = sizes.map(({ size, queued }) => [
    size,
    formatGigabytes(queued * COMPLETED_COUNT),
    ...RATES.map((rate) => formatGigabytes(queued * rate * OUTAGE_HOURS * 3600)),
  ]);
  return formatTable(head, rows);
}

function tabulateLedger({ sizes }: Sizes): string {
  const head = [
    'event',
    '100 million, none pruned',
    '100 million, all pruned and rewritten',
    ...RATES.slice(0, 3).map((rate) => `90 days of contents at ${rate}/s`),
  ];
  const rows = sizes.map((one) => [
    one.size,
    formatGigabytes(wholeOf(one) * LEDGER_EVENTS),
    formatGigabytes((one.prunedRow + one.prunedIndexes) * LEDGER_EVENTS),
    ...RATES.slice(0, 3).map((rate) => formatGigabytes(wholeOf(one) * rate * DAY_SECONDS * 90)),
  ]);
  return formatTable(head, rows);
}

function wholeOf({ ledgerRow, ledgerIndexes }: SizeFigures): number {
  return ledgerRow + ledgerIndexes;
}

function tabulatePartitions({ ledgers }: Sizes): string {
  const rows = (['whole', 'partitioned'] as const).map((kind) => {
    const own = ledgers.filter((one) => one.kind === kind);
    return [
      kind,
      formatNumber(medianOf(own.map(({ applyUs }) => applyUs))),
      formatNumber(medianOf(own.map(({ pruneUs }) => pruneUs))),
    ];
  });
  return formatTable(['ledger', 'applying, µs an event', 'pruning, µs an event'], rows);
}

/** How many processes a rate takes, with half of what each did as reserve. What was not measured is left out. */
function tabulateProcesses(results: Results | undefined): string {
  const measured = PROCESSES.flatMap(({ process, scenario, rate }) => {
    const result = results?.scenarios.find(({ name }) => name === scenario);
    const median = result && summarise(result).find(({ contender }) => contender === OURS)?.median;
    return median === undefined ? [] : [[process, `${formatNumber(median)}/s`, rate(median)]];
  });
  return formatTable(['process', 'measured', 'processes for 100/s, 1,000/s, 5,000/s'], measured);
}

const OURS = 'clerk-sync';
const WANTED = [100, 1_000, 5_000];
const RESERVE = 0.5;
const countFor = (median: number) =>
  WANTED.map((wanted) => Math.ceil(wanted / (median * RESERVE))).join(', ');
const PROCESSES = [
  { process: 'ingest', scenario: 'ingest-rate', rate: countFor },
  { process: 'worker', scenario: 'worker-rate', rate: countFor },
];

function formatGigabytes(bytes: number): string {
  return `${formatNumber(bytes / GIGABYTE)} GB`;
}
