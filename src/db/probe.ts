/** Does the database answer, may we write, and is every table and column that we use there? Asked before an event is blamed. */
import { type Database } from './database.js';
import { describeFault } from './faults.js';
import { TABLES } from './tables.js';

/** A connection whose other end froze says nothing, and would keep us waiting. */
const PROBE_TIMEOUT_MS = 5_000;

const LEDGER = [
  'id',
  'type',
  'entity_type',
  'entity_id',
  'instance_id',
  'occurred_at',
  'received_at',
];
const LEDGER_DECISION = ['processed_at', 'outcome', 'error', 'payload'];
const RUNS = ['id', 'kind', 'instance_id', 'started_at', 'updated_at', 'finished_at', 'progress'];
const VERSIONS = ['entity_type', 'entity_id', 'version_updated_at', 'version_occurred_at'];
const VERSIONS_DECISION = ['version_event_id', 'deleted_at', 'erased_at'];

/** @returns null when all is well, else what is wrong, with the cure, fit to be shown. */
export async function probeDatabase(db: Database): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, PROBE_TIMEOUT_MS, `no answer within ${PROBE_TIMEOUT_MS} ms`);
  });
  try {
    return await Promise.race([findTrouble(db), timeout]);
  } catch (error) {
    return describeFault(error);
  } finally {
    clearTimeout(timer);
  }
}

/** For readiness: null when the database answers, is migrated and can be written. */
export function createDatabaseCheck(db: Database): () => Promise<string | null> {
  return async () => {
    const trouble = await probeDatabase(db);
    return trouble === null ? null : `The database is not ready: ${trouble}`;
  };
}

interface Found {
  read_only: boolean;
  missing: string | null;
  forbidden: string | null;
}

async function findTrouble(db: Database): Promise<string | null> {
  const used = listColumns();
  const [found] = await db.query<Found>(
    `WITH used AS (SELECT * FROM unnest($1::text[], $2::text[]) AS u(name, col))
     SELECT current_setting('transaction_read_only') = 'on' AS read_only,
       (SELECT string_agg(DISTINCT name || '.' || col, ', ') FROM used LEFT JOIN pg_attribute a
         ON a.attrelid = to_regclass(name) AND a.attname = col AND NOT a.attisdropped WHERE a.attname IS NULL) AS missing,
       (SELECT string_agg(DISTINCT name, ', ') FROM used WHERE to_regclass(name) IS NOT NULL AND NOT (
         has_table_privilege(to_regclass(name), 'SELECT') AND has_table_privilege(to_regclass(name), 'INSERT') AND
         has_table_privilege(to_regclass(name), 'UPDATE') AND has_table_privilege(to_regclass(name), 'DELETE'))) AS forbidden`,
    used.map(({ table }) => db.table(table)),
    used.map(({ column }) => column),
  );
  if (!found || found.read_only)
    return 'The database takes no writes: it is a standby, or set read-only.';
  if (found.missing)
    return `Tables or columns are missing (${summarise(found.missing)}). Run \`npm run migrate\`.`;
  if (found.forbidden)
    return `The user of DATABASE_URL may not read and write ${found.forbidden}: grant it.`;
  return null;
}

function listColumns(): { table: string; column: string }[] {
  const tables = {
    ...Object.fromEntries(
      Object.entries(TABLES).map(([name, columns]) => [
        name,
        ['id', ...Object.keys(columns), 'synced_at'],
      ]),
    ),
    webhook_events: [...LEDGER, ...LEDGER_DECISION],
    entity_versions: [...VERSIONS, ...VERSIONS_DECISION],
    sync_runs: RUNS,
    reconcile_seen: ['run_id', 'id'],
  };
  return Object.entries(tables).flatMap(([table, columns]) =>
    columns.map((column) => ({ table, column })),
  );
}

function summarise(list: string): string {
  const names = list.split(', ');
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : list;
}
