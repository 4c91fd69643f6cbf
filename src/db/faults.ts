/** First classify, then act: what a database error means for the batch that met it. The one place that knows SQLSTATE and Prisma's codes. */
import { messageOf } from '../errors.js';
import { isRecord } from '../record.js';

/**
 * - `outage`: the database is away, or refuses us: wait for it.
 * - `contention`: this transaction lost against another; the same work succeeds later.
 * - `structure`: our tables are missing or not ours to use: wait for a migration or a grant.
 * - `data`: this very work cannot succeed: find the event that causes it.
 */
export type Fault = 'outage' | 'contention' | 'structure' | 'data';

/** Beginnings of SQLSTATE, the longest match counts. Source: Postgres, appendix A. */
const SQLSTATE_FAULTS: readonly (readonly [string, Fault])[] = [
  ['25P03', 'contention'], // idle_in_transaction_session_timeout: we were frozen
  ['25P04', 'contention'], // transaction_timeout
  ['25006', 'outage'], // read_only_sql_transaction: a standby, in the middle of a failover
  ['42501', 'structure'], // insufficient_privilege
  ['42703', 'structure'], // undefined_column
  ['42P01', 'structure'], // undefined_table
  ['55P03', 'contention'], // lock_not_available: lock_timeout
  ['57014', 'contention'], // query_canceled: statement_timeout
  ['08', 'outage'],
  ['28', 'outage'], // invalid authorization: a rotated password
  ['3D', 'outage'], // the database does not exist (yet)
  ['3F', 'structure'],
  ['40', 'contention'],
  ['53', 'outage'], // too many connections, disk full, out of memory
  ['57P', 'outage'], // shutting down, starting up
  ['58', 'outage'], // system error
  ['XX', 'outage'], // internal error
];

/** Prisma's own codes, where no SQLSTATE came with them. */
const PRISMA_FAULTS: Readonly<Record<string, Fault>> = {
  P1000: 'outage',
  P1001: 'outage',
  P1002: 'outage',
  P1003: 'outage',
  P1008: 'outage',
  P1010: 'outage',
  P1011: 'outage',
  P1017: 'outage',
  P2021: 'structure',
  P2022: 'structure',
  P2024: 'outage',
  P2028: 'contention',
  P2034: 'contention',
  P2037: 'outage',
};

const NETWORK_CODES = new Set([
  'EACCES',
  'EADDRNOTAVAIL',
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'EMFILE',
  'ENETDOWN',
  'ENETUNREACH',
  'ENFILE',
  'ENOENT',
  'ENOTFOUND',
  'EPERM',
  'EPIPE',
  'ETIMEDOUT',
]);

const CONNECTION_WORDS =
  /connection (?:terminated|timeout|refused|closed|ended)|timeout exceeded when trying to connect|not queryable|socket|server has closed the connection|can't reach database/i;

/** Undefined when the error does not come from the database at all: a defect of ours. */
export function classifyFault(error: unknown): Fault | undefined {
  for (const link of causes(error)) {
    const fault = readSqlState(link);
    if (fault) return fault;
  }
  for (const link of causes(error)) {
    const code = typeof link['code'] === 'string' ? link['code'] : '';
    if (Object.hasOwn(PRISMA_FAULTS, code)) return PRISMA_FAULTS[code];
    if (NETWORK_CODES.has(code)) return 'outage';
    if (typeof link['message'] === 'string' && CONNECTION_WORDS.test(link['message']))
      return 'outage';
  }
  return undefined;
}

/**
 * What may be shown of a database error. Postgres quotes values, which are somebody's data, in quotation marks; and what a
 * trigger raises may hold a whole row, so that only Postgres's own words are shown, with the names of tables and the like.
 */
export function describeFault(error: unknown): string {
  for (const link of causes(error)) {
    const code = link['originalCode'] ?? link['code'];
    const message = link['originalMessage'] ?? link['message'];
    if (typeof code === 'string' && isSqlState(code) && typeof message === 'string') {
      return `${chooseWords(code, message)} (SQLSTATE ${code})`;
    }
  }
  if (classifyFault(error) === 'outage') return describeOutage(error);
  return 'The database refused the event for a reason it did not name.';
}

const HIDDEN_WORDS =
  "The database refused the event in words that are not Postgres's own and may quote it: only Postgres's log shows them";

/** Classes about the connection or the server, which no row brings about. */
const CLASSES_ABOUT_SERVER = /^(?:08|25|28|3D|53|57|58|XX)/;

/** `"…"` stands for a name, which holds no quotation mark. */
const OWN_WORDS = [
  // class 22, its values hidden already
  'invalid input (?:syntax|value) for .*',
  'malformed (?:array|record|range|multirange) literal',
  'date/time field value out of range',
  '(?:value |)"…" is out of range for type .*',
  '(?:smallint|integer|bigint|timestamp|date|interval) out of range',
  'numeric field overflow',
  'division by zero',
  'unsupported Unicode escape sequence',
  'invalid byte sequence for encoding.*',
  'value too long for type .*',
  // class 23
  'null value in column "…"(?: of relation "…")? violates not-null constraint',
  'duplicate key value violates unique constraint "…"',
  'conflicting key value violates exclusion constraint "…"',
  '(?:insert or update|update or delete) on table "…" violates (?:RESTRICT setting of )?foreign key constraint "…"(?: on table "…")?',
  'new row for (?:relation|domain) "…" violates check constraint "…"',
  'value for domain \\S+ violates check constraint "…"',
  // classes 40, 42 and 55
  'deadlock detected',
  'could not serialize access due to [\\w ,/]+',
  'canceling statement due to [\\w ]+',
  'could not obtain lock on (?:row in )?relation "…"',
  'permission denied for \\w+ \\S+',
  'new row violates row-level security policy for table "…"',
  '(?:relation|schema|type|role) "…" does not exist',
  'column \\S+(?: of relation "…")? does not exist',
  'function \\S+\\(.*\\) does not exist',
].map((words) => new RegExp(`^${words.replaceAll('"…"', '"[^"]+"')}$`));

function chooseWords(code: string, message: string): string {
  const words = code.startsWith('22') ? hideValues(message) : message;
  const isOwn = CLASSES_ABOUT_SERVER.test(code) || OWN_WORDS.some((own) => own.test(words));
  return isOwn ? words : HIDDEN_WORDS;
}

/** Most values stand at the end, behind a colon; `value "…" is out of range` has it in the middle. */
function hideValues(message: string): string {
  return message.replace(/: ?"[^]*$/, '').replace(/"[^]*"/, '"…"');
}

/** An error for several addresses at once has a code and no message of its own. */
function describeOutage(error: unknown): string {
  const message = messageOf(error).replace(/\s+/g, ' ').trim();
  return (
    message || `The connection failed (${isRecord(error) ? String(error['code']) : 'unknown'}).`
  );
}

function readSqlState(link: Record<string, unknown>): Fault | undefined {
  const state = [link['originalCode'], link['code']].find(
    (code): code is string => typeof code === 'string' && isSqlState(code),
  );
  if (state === undefined) return undefined;
  return SQLSTATE_FAULTS.find(([prefix]) => state.startsWith(prefix))?.[1] ?? 'data';
}

function isSqlState(code: string): boolean {
  // Each SQLSTATE has a digit, and no error code of the operating system's for a connection does.
  return /^(?=.*\d)[0-9A-Z]{5}$/.test(code) && !/^P[12]0\d\d$/.test(code);
}

/** The error and what it was caused by, Prisma's `meta.driverAdapterError` included. */
function* causes(error: unknown): Generator<Record<string, unknown>> {
  const pending: unknown[] = [error];
  for (let seen = 0; pending.length > 0 && seen < 10; seen++) {
    const link = pending.shift();
    if (!isRecord(link)) continue;
    yield link;
    const meta = isRecord(link['meta']) ? link['meta'] : {};
    pending.push(link['cause'], meta['driverAdapterError']);
  }
}
