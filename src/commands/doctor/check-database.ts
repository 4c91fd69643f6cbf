/** The database: does it answer, what is it, are the tables as this program needs them. */
import { classifyFault } from '../../db/faults.js';
import { readMigrationState } from '../../db/migrate.js';
import { probeDatabase } from '../../db/probe.js';
import { type DatabaseServer, type DatabaseSession, inspectSession } from '../../db/inspect.js';
import { explain } from './explain.js';
import { bad, ok, skipped, toFinding, warn, type Finding } from './finding.js';
import { type Patient } from './patient.js';
import { formatPlace, isNearby } from './place.js';

/** What BullMQ asks of a Postgres that holds the queue, and the oldest that the tables are tried on. */
const OLDEST_POSTGRES = 13;
const OLDEST_SUPPORTED_POSTGRES = 14;
const CROWDED_SHARE = 0.9;

export async function checkDatabase({ config, database }: Patient): Promise<Finding[]> {
  const url = config.DATABASE_URL ?? '';
  if (database.state === 'unset') return [skipped(database.reason)];
  if (database.state === 'reached') return judgeServer(database.server, url);
  const found = `The one at ${formatPlace(url)} cannot be used: ${database.trouble}`;
  return [bad(found, 'Start it, or correct DATABASE_URL.')];
}

export function judgeServer(server: DatabaseServer, url: string): Finding[] {
  const { version, majorVersion, connections, maxConnections, clock } = server;
  const findings = [
    ok(
      `${version} at ${formatPlace(url)}, answers within ${clock.latencyMs.toFixed(1)} ms; ${connections} of ${maxConnections} connections are taken`,
    ),
  ];
  if (majorVersion < OLDEST_POSTGRES) {
    const cure = `Upgrade to ${OLDEST_SUPPORTED_POSTGRES} or newer.`;
    findings[0] = bad(`${version} is older than ${OLDEST_POSTGRES}`, cure);
  } else if (majorVersion < OLDEST_SUPPORTED_POSTGRES) {
    const found = `${version} gets no more corrections from its makers`;
    findings.push(warn(found, `Upgrade to ${OLDEST_SUPPORTED_POSTGRES} or newer.`));
  }
  if (connections >= maxConnections * CROWDED_SHARE) {
    findings.push(
      warn(
        `${connections} of ${maxConnections} connections are taken`,
        'Raise max_connections, run fewer processes, or put a pooler before it.',
      ),
    );
  }
  if (!server.isEncrypted && !isNearby(url)) {
    findings.push(
      warn(
        'The connection is not encrypted, and the server is on another network',
        'End DATABASE_URL in ?sslmode=verify-full.',
      ),
    );
  }
  return findings;
}

export async function checkDirectConnection(patient: Patient): Promise<Finding[]> {
  const { config, database, directUrl } = patient;
  const name = config.DIRECT_DATABASE_URL ? 'DIRECT_DATABASE_URL' : 'DATABASE_URL';
  if (directUrl === undefined) return [skipped(`${name} does not say where`)];
  if (name === 'DATABASE_URL' && database.state !== 'reached') {
    return [skipped('the database cannot be asked')];
  }
  let session: DatabaseSession;
  try {
    session = await inspectSession(directUrl);
  } catch (error) {
    const found = `The one at ${formatPlace(directUrl)} cannot be used: ${explain(error)}`;
    return [bad(found, `Start it, or correct ${name}.`)];
  }
  const identity = database.state === 'reached' ? database.server.identity : session.identity;
  return [judgeSession(session, { name, identity, isQueue: !config.REDIS_URL, url: directUrl })];
}

export interface SessionContext {
  /** The variable that it is from. */
  name: string;
  url: string;
  /** Of what DATABASE_URL leads to. */
  identity: string;
  /** BullMQ listens on it. */
  isQueue: boolean;
}

export function judgeSession(session: DatabaseSession, context: SessionContext): Finding {
  const { name, identity, isQueue, url } = context;
  if (session.identity !== identity) {
    return bad(
      `${name} and DATABASE_URL lead to different databases`,
      'Migrations would go to one and events to the other: let both name the same.',
    );
  }
  if (!session.isShared) return ok(`${formatPlace(url)} (${name}) keeps its sessions`);
  const found = `${name} leads to a transaction pooler, which does not keep sessions: migrations take a lock in one${
    isQueue ? ', and the queue in Postgres listens in one' : ''
  }`;
  const cure = 'Set DIRECT_DATABASE_URL to the address of the database itself.';
  return isQueue ? bad(found, cure) : warn(found, cure);
}

export async function checkTables({ config, database, directUrl }: Patient): Promise<Finding[]> {
  if (database.state !== 'reached') return [skipped('the database cannot be asked')];
  const schema = config.DATABASE_SCHEMA;
  const findings = directUrl === undefined ? [] : await readMigrations(directUrl, schema);
  // What is pending explains what is missing.
  const isExplained = findings.some(({ status }) => status === 'bad');
  const trouble = isExplained ? null : await probeDatabase(database.db);
  if (trouble !== null) {
    findings.push({
      cure: 'See whether the database is overloaded.',
      ...toFinding('bad', trouble),
    });
  }
  return findings.length > 0 ? findings : [ok(`up to date in schema "${schema}", ours to write`)];
}

async function readMigrations(url: string, schema: string): Promise<Finding[]> {
  try {
    return judgeMigrations(await readMigrationState({ url, schema }), schema);
  } catch (error) {
    // Then it is the direct connection that is away, and the check of it says so.
    if (classifyFault(error) !== 'outage') throw error;
    return [skipped(`the history of migrations cannot be read: ${explain(error)}`)];
  }
}

export function judgeMigrations(
  { failed, pending, unknown }: Awaited<ReturnType<typeof readMigrationState>>,
  schema: string,
): Finding[] {
  const findings: Finding[] = [];
  if (failed.length > 0) {
    const found = `The migration ${failed.join(', ')} failed half-way`;
    const cure = `Look at its rows in ${schema}._prisma_migrations, put right what it left, and mark it with \`prisma migrate resolve\`.`;
    findings.push(bad(found, cure));
  }
  if (pending.length > 0) {
    const count = `${pending.length} ${pending.length === 1 ? 'migration is' : 'migrations are'}`;
    const found = `${count} pending in schema "${schema}": ${pending.join(', ')}`;
    findings.push(bad(found, 'Run `npm run migrate`.'));
  }
  if (unknown.length > 0) {
    const found = `The database has migrations that this program does not know: ${unknown.join(', ')}`;
    findings.push(warn(found, 'It is older than the database: deploy the newer one.'));
  }
  return findings;
}
