/** `npm run backfill`: brings the tables level with Clerk, whatever came or did not come by webhook. */
import { runBackfill, type BackfillProgress } from '../backfill/backfill.js';
import { backfillOne } from '../backfill/backfill-one.js';
import { type Tally } from '../backfill/tally.js';
import { type ApiEntityName } from '../clerk/api-entities.js';
import { SyncError } from '../errors.js';
import { withClerk, type ClerkConnections } from './clerk-connections.js';
import { describeRuns, openCountingOutbox, type CountingOutbox } from './counting-outbox.js';
import { readArguments, type Command, type CommandContext } from './command.js';
import { listEntities, readEntities } from './read-entities.js';
import { createProgress, type Progress } from './progress.js';

const USAGE = `Usage: npm run backfill -- [ENTITY ... | ID] [options]
  ENTITY     ${listEntities('             ')}
  ID         one user (user_…) or organization (org_…): fetched and applied at once
  --restart  begin anew, instead of going on where a run was interrupted
  --handlers A[,B]
             run these handlers for what it applies; without it, it runs none
  --json     one JSON document`;

export const backfillCommand: Command = {
  usage: USAGE,
  async run(args, context) {
    const { values, positionals } = readArguments(
      args,
      {
        restart: { type: 'boolean', default: false },
        handlers: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
      USAGE,
    );
    const [first] = positionals;
    const isId = first !== undefined && /^(?:user|org)_/.test(first);
    if (isId && positionals.length > 1) {
      throw new SyncError('usage.invalid', `One id at a time.\n${USAGE}`);
    }
    const entities = isId ? [] : readEntities(positionals, USAGE);
    const outbox = await openCountingOutbox(context, values.handlers);
    const answer = { json: values.json, outbox };
    return withClerk(
      context,
      async (connections) =>
        isId
          ? fetchOne(connections, context, { ...answer, id: first })
          : fetchAll(connections, context, { ...answer, entities, resume: !values.restart }),
      outbox,
    );
  },
};

interface Answer {
  json: boolean;
  outbox: CountingOutbox;
}

interface All extends Answer {
  entities: readonly ApiEntityName[];
  resume: boolean;
}

async function fetchAll(
  connections: ClerkConnections,
  context: CommandContext,
  { entities, resume, json, outbox }: All,
): Promise<number> {
  const { isMirrored } = connections;
  const bars = new Map<ApiEntityName, Progress>();
  const startedAt = Date.now();
  const progress = await runBackfill({
    ...connections,
    entities: entities.filter(isMirrored),
    resume,
    onResume: (begun) =>
      context.writeProgress(
        `going on with the run of ${begun.toISOString()} (--restart begins anew)\n`,
      ),
    onProgress: (entity, { fetched, total }) => {
      const bar = bars.get(entity) ?? openBar(context, entity, { total, already: fetched });
      bars.set(entity, bar);
      bar.show(fetched);
      if (total !== null && fetched >= total) bar.end();
    },
  });
  for (const bar of bars.values()) bar.end();
  const seconds = (Date.now() - startedAt) / 1000;
  const runs = outbox.count();
  if (json) context.print(JSON.stringify({ seconds, progress, runs }));
  else for (const line of [...describe(progress), ...describeRuns(runs)]) context.print(line);
  return Object.values(progress).some(({ failed }) => failed > 0) ? 1 : 0;
}

function openBar(
  { writeProgress, isTerminal }: CommandContext,
  label: string,
  { total, already }: { total: number | null; already: number },
): Progress {
  return createProgress({ label, total, write: writeProgress, isTerminal, already });
}

function describe(progress: BackfillProgress): string[] {
  return Object.entries(progress).flatMap(([entity, { unavailable, ...tally }]) => {
    if (unavailable !== null) return [`${entity}: left out. ${unavailable}`];
    return [
      `${entity}: ${tally.fetched} fetched, ${describeTally(tally)}`,
      ...tally.failures.map(({ id, reason }) => `  ${id} failed: ${reason}`),
      ...(tally.tombstoned > 0
        ? [
            `  deleted here and left so: ${tally.tombstonedIds.join(', ')} (npm run why -- ID says why)`,
          ]
        : []),
    ];
  });
}

function describeTally({ applied, stale, tombstoned, ignored, failed }: Tally): string {
  const counts = { applied, 'already as new': stale, 'deleted here': tombstoned, ignored, failed };
  const named = Object.entries(counts).filter(([name, count]) => count > 0 || name === 'applied');
  return named.map(([name, count]) => `${count} ${name}`).join(', ');
}

async function fetchOne(
  connections: ClerkConnections,
  { print }: CommandContext,
  { id, json, outbox }: Answer & { id: string },
): Promise<number> {
  const entity = id.startsWith('user_') ? 'users' : 'organizations';
  const result = await backfillOne(connections, entity, id);
  const runs = outbox.count();
  if (json) print(JSON.stringify({ id, ...result, runs }));
  else for (const line of [`${id}: ${result.message}`, ...describeRuns(runs)]) print(line);
  return result.isApplied ? 0 : 1;
}
