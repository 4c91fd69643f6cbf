import {
  spawnClerkApi,
  type ClerkApiProcess,
} from '../../tests/support/clerk-api/spawn-clerk-api.js';
import { runCommand } from '../../tests/support/commands.js';
import { VoidFigure, type Sample, type Scenario } from '../contract.js';
import {
  beginRecord,
  checkMirror,
  checkRows,
  emptyMirror,
  recordAccepted,
} from '../correctness.js';
import { startNode } from '../processes.js';
import { type BenchDatabase } from '../servers.js';

const USERS = { full: 20_000, short: 700 } as const;
const PAGE_SIZE = 500;

export const backfill: Scenario = {
  name: 'backfill',
  title: 'Users a second, fetched from Clerk',
  unit: 'users/s',
  description:
    '`npm run backfill` fetches 20,000 users from a server that answers as Clerk’s Backend API does, on the same machine, with the limits of a production ' +
    'instance (1,000 requests in 10 s, 500 users each), which neither comes near. backfill-loop is a loop over `getUserList` by offset with ' +
    '`prisma.user.upsert` for all of a page at once. Both say themselves how long they took, from the first question to the last commit.',
  comparisons: [
    { contender: 'clerk-sync', against: 'backfill-loop', goal: { kind: 'at-least', reach: 2 } },
  ],
  open: async (bench) => {
    const users = USERS[bench.form];
    const database = await bench.createDatabase('backfill');
    const clerk = await spawnClerkApi({ size: { users } });
    await beginRecord(database);
    await recordUsers(database, clerk);
    const settings = {
      DATABASE_URL: database.url,
      CLERK_API_URL: clerk.url,
      CLERK_SECRET_KEY: clerk.secretKey,
    };
    const run = (fetchAll: FetchAll, check: Check) => async (): Promise<Sample> => {
      await emptyMirror(database);
      await database.query('TRUNCATE clerk.sync_runs');
      const startedAt = performance.now();
      const seconds = await fetchAll(settings);
      const wholeSeconds = (performance.now() - startedAt) / 1000;
      await check(database);
      const { limited } = await clerk.readCounts();
      if (limited > 0) throw new VoidFigure(`The server turned ${limited} requests away.`);
      return {
        value: users / seconds,
        details: { 'users/s, start of the program included': users / wholeSeconds },
      };
    };
    return {
      contenders: {
        'clerk-sync': run(runBackfill, checkMirror),
        'backfill-loop': run(runLoop, checkRows),
      },
      close: async () => {
        await clerk.stop();
        await database.drop();
      },
    };
  },
};

interface Settings {
  DATABASE_URL: string;
  CLERK_API_URL: string;
  CLERK_SECRET_KEY: string;
}

/** @returns how many seconds it took, as it says itself. */
type FetchAll = (settings: Settings) => Promise<number>;
type Check = (database: BenchDatabase) => Promise<unknown>;

async function runBackfill(settings: Settings): Promise<number> {
  const { code, stdout, stderr } = await runCommand(['backfill', 'users', '--json'], {
    NODE_ENV: 'production',
    ...settings,
  });
  if (code !== 0) throw new Error(`npm run backfill ended with ${code}. ${stderr}`);
  return readSeconds(JSON.parse(stdout));
}

async function runLoop(settings: Settings): Promise<number> {
  const loop = await startNode('bench/baselines/backfill-loop.ts', { ...settings });
  const said = await loop.ready;
  await loop.exited;
  return readSeconds(said);
}

function readSeconds(said: unknown): number {
  return (said as { seconds: number }).seconds; // both print an object that has it
}

/** What the server holds, under the ids that the ledger is going to have. */
async function recordUsers(database: BenchDatabase, clerk: ClerkApiProcess): Promise<void> {
  for (let offset = 0; ; offset += PAGE_SIZE) {
    const response = await fetch(`${clerk.url}/v1/users?limit=${PAGE_SIZE}&offset=${offset}`, {
      headers: { authorization: `Bearer ${clerk.secretKey}` },
    });
    const page = (await response.json()) as { id: string; updated_at: number }[]; // Clerk's users
    await recordAccepted(
      database,
      page.map(({ id, updated_at: updatedAt }) => ({
        id: `backfill-${id}-${updatedAt}`,
        entityId: id,
        updatedAt,
      })),
    );
    if (page.length < PAGE_SIZE) return;
  }
}
