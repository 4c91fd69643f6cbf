/** `npm run reconcile`: finds what Clerk and the tables disagree about, missed deletes included, and mends it. */
import { countDrift, DRIFT_KINDS, type Drift } from '../backfill/drift.js';
import { MAX_DELETED_SHARE, runReconcile, type ReconcileProgress } from '../backfill/reconcile.js';
import { type ApiEntityName } from '../clerk/api-entities.js';
import { TABLES, type TableName } from '../db/tables.js';
import { SyncError } from '../errors.js';
import { withClerk } from './clerk-connections.js';
import { readArguments, type Command } from './command.js';
import { listEntities, readEntities } from './read-entities.js';
import { createProgress } from './progress.js';

const USAGE = `Usage: npm run reconcile -- [ENTITY ...] [options]
  ENTITY               ${listEntities('                       ')}
  --dry-run            only report; exit code 1 when there is drift
  --max-deletes SHARE  refuse when more of a table's rows than this would be deleted (${MAX_DELETED_SHARE * 100}%)
  --json               one JSON document`;

export const reconcileCommand: Command = {
  usage: USAGE,
  async run(args, context) {
    const { values, positionals } = readArguments(
      args,
      {
        'dry-run': { type: 'boolean', default: false },
        'max-deletes': { type: 'string', default: `${MAX_DELETED_SHARE * 100}%` },
        json: { type: 'boolean', default: false },
      },
      USAGE,
    );
    const named = readEntities(positionals, USAGE);
    const maxDeletedShare = readShare(values['max-deletes']);
    const isDryRun = values['dry-run'];
    return withClerk(context, async ({ apply, isMirrored, ...connections }) => {
      const entities = named.filter(isMirrored);
      const { writeProgress, isTerminal } = context;
      const bars = new Map<ApiEntityName, ReturnType<typeof createProgress>>();
      const found = await runReconcile({
        ...connections,
        apply: isDryRun ? undefined : apply,
        entities,
        maxDeletedShare,
        onProgress: (entity, { compared }) => {
          const bar =
            bars.get(entity) ??
            createProgress({ label: entity, total: null, write: writeProgress, isTerminal });
          bars.set(entity, bar);
          bar.show(compared);
        },
      });
      for (const bar of bars.values()) bar.end();
      const outside = listOutside(entities);
      if (values.json) context.print(JSON.stringify({ isDryRun, found, outside }));
      else for (const line of describe(found, isDryRun, outside)) context.print(line);
      return isDryRun && Object.values(found).some((drift) => countDrift(drift) > 0) ? 1 : 0;
    });
  },
};

function readShare(text: string): number {
  const percent = /^(\d{1,3}(?:\.\d+)?)%$/.exec(text)?.[1];
  const share = percent === undefined ? NaN : Number(percent) / 100;
  if (share >= 0 && share <= 1) return share;
  throw new SyncError(
    'usage.invalid',
    `--max-deletes takes a share from 0% to 100%, not "${text}".`,
  );
}

/** Clerk lists these not at all, or only for one user at a time. */
function listOutside(compared: readonly ApiEntityName[]): TableName[] {
  const tables = Object.keys(TABLES) as TableName[]; // the table holds no other keys
  return tables.filter((table) => !compared.some((entity) => entity === table));
}

function describe(
  found: ReconcileProgress,
  isDryRun: boolean,
  outside: readonly TableName[],
): string[] {
  return [
    ...Object.entries(found).flatMap(([entity, drift]) => describeDrift(entity, drift, isDryRun)),
    `not compared: ${outside.join(', ')}`,
  ];
}

function describeDrift(entity: string, drift: Drift, isDryRun: boolean): string[] {
  if (drift.unavailable !== null) return [`${entity}: not compared. ${drift.unavailable}`];
  const counts = DRIFT_KINDS.filter((kind) => drift[kind] > 0);
  const summary = counts.map((kind) => `${drift[kind]} ${LABELS[kind]}`).join(', ');
  const repaired = isDryRun ? '' : `; ${drift.repaired} repaired`;
  return [
    `${entity}: ${drift.compared} compared, ${summary ? summary + repaired : 'all equal'}`,
    ...counts.map((kind) => `  ${LABELS[kind]}: ${drift.examples[kind].join(', ')}`),
  ];
}

const LABELS = {
  missing: 'missing here',
  stale: 'different',
  extra: 'deleted in Clerk',
  tombstoned: 'deleted here though Clerk has it, left so',
} as const;
