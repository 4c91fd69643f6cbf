import { SECRET } from '../../tests/support/clerk.js';
import { openBenchQueue } from '../bench-queue.js';
import { VoidFigure, type Sample, type Scenario } from '../contract.js';
import { INGESTS, type Endpoint } from '../ingest-kinds.js';
import { prepareLoad } from '../load/run-load.js';
import { measureEndpoint, toLatencySample, type MeasuredLoad } from '../measure-endpoint.js';

const PER_SECOND = 300;
const SIZES = {
  full: { count: 3_300, warmUp: 900, forgedPerSecond: 200 },
  short: { count: 400, warmUp: 100, forgedPerSecond: 20 },
} as const;
const FORGED_BYTES = 256 * 1024;
/** Far longer than the valid ones take; what is left then is not sent. */
const FORGED_SECONDS = 120;

export const ingestForged: Scenario = {
  name: 'ingest-forged',
  title: 'Time to the answer while forged bodies arrive',
  unit: 'ms (p99)',
  description:
    `${PER_SECOND} valid events a second of mixed sizes for 8 s after 3 s to warm up, at times that chance sets, counted from when each should have ` +
    `been sent. In one contender another process sends ${SIZES.full.forgedPerSecond} bodies of 256 kB a second meanwhile, whose headers look valid and ` +
    'whose signature is not. No worker runs. CPU % is what ingest takes of one core.',
  axes: { x: 's since the start', y: 'p99 of each half second, ms' },
  comparisons: [
    {
      contender: 'with forged bodies',
      against: 'without',
      goal: { kind: 'at-most', reach: 2, stretch: 1.2 },
    },
  ],
  open: async (bench) => {
    const { count, warmUp, forgedPerSecond } = SIZES[bench.form];
    const queue = openBenchQueue(bench.redisUrl, 'ingest-forged');
    const events = { seed: 'ingest-forged', count };
    const measureValid = (ingest: Endpoint) =>
      measureEndpoint(ingest, { events, warmUp, pace: { kind: 'paced', perSecond: PER_SECOND } });
    const run =
      (measure: (ingest: Endpoint) => Promise<MeasuredLoad>) => async (): Promise<Sample> => {
        await queue.clear();
        await queue.settle();
        const { start, check } = INGESTS['clerk-sync'];
        const ingest = await start(queue);
        try {
          const measured = await measure(ingest);
          await check(queue, events);
          return toLatencySample(measured);
        } finally {
          await ingest.stop();
        }
      };
    return {
      contenders: {
        'with forged bodies': run((ingest) =>
          amidForgeries({ ingest, perSecond: forgedPerSecond, measure: measureValid }),
        ),
        without: run(measureValid),
      },
      close: async () => {
        await queue.clear();
        await queue.close();
      },
    };
  },
};

interface Forging {
  ingest: Endpoint;
  perSecond: number;
  measure: (ingest: Endpoint) => Promise<MeasuredLoad>;
}

/** @throws VoidFigure unless each forgery was refused. */
async function amidForgeries({ ingest, perSecond, measure }: Forging): Promise<MeasuredLoad> {
  const forgeries = await prepareLoad({
    url: ingest.url,
    secret: SECRET,
    events: { seed: 'forged', count: perSecond * FORGED_SECONDS },
    warmUp: 0,
    pace: { kind: 'paced', perSecond },
    forgedBytes: FORGED_BYTES,
  });
  const sending = forgeries.start();
  sending.catch(() => undefined); // it is awaited below, unless the valid ones fail first
  const measured = await measure(ingest).finally(forgeries.stop);
  const { sent, seconds, refusals, latencyMs } = await sending;
  if (refusals['400'] !== sent) {
    throw new VoidFigure(`Of ${sent} forgeries not all were refused: ${JSON.stringify(refusals)}.`);
  }
  const details = { 'forged/s': sent / seconds, 'forged p99 ms': latencyMs.p99 };
  return { ...measured, details: { ...measured.details, ...details } };
}
