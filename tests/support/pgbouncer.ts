/** A private PgBouncer in transaction mode before a database: a session of the server's is lent for one transaction. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { findOnPath } from './find-on-path.js';
import { findFreePort } from './ports.js';
import { waitFor } from './wait.js';

export interface PgBouncer {
  /** The database, by way of the pooler. */
  url: string;
  stop: () => Promise<void>;
}

/** Debian's is where only root looks. */
const PROGRAMS = ['pgbouncer', '/usr/sbin/pgbouncer'];
/** Fewer than the clients, so that they have to share. */
const SESSIONS = 4;

/** Undefined when the machine has none. */
export function findPgBouncer(): string | undefined {
  return PROGRAMS.map(findOnPath).find(Boolean);
}

/** @param binary see `findPgBouncer`. */
export async function startPgBouncer(binary: string, databaseUrl: string): Promise<PgBouncer> {
  const directory = mkdtempSync(path.join(tmpdir(), 'clerk-sync-pgbouncer-'));
  chmodSync(directory, 0o755); // as root, PgBouncer runs as another user
  const port = await findFreePort();
  const server = new URL(databaseUrl);
  const [user, password] = [server.username, server.password].map(decodeURIComponent);
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    pool_mode: 'transaction',
    default_pool_size: SESSIONS,
    max_client_conn: 200,
    auth_type: 'any',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  const target = `host=${server.hostname} port=${server.port} user=${user} password='${password}'`;
  const file = path.join(directory, 'pgbouncer.ini');
  writeFileSync(file, `[databases]\n* = ${target}\n\n[pgbouncer]\n${lines.join('\n')}\n`);
  const account = process.getuid?.() === 0 ? ['--user', 'postgres'] : [];
  const child = spawn(binary, ['--quiet', ...account, file], { stdio: 'ignore' });
  const url = new URL(databaseUrl);
  url.port = String(port);
  await waitFor('PgBouncer to answer', () => answers(url.href));
  return {
    url: url.href,
    stop: async () => {
      await new Promise((resolve) => {
        child.once('exit', resolve);
        child.kill('SIGKILL');
      });
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client(url);
  client.on('error', () => undefined); // "not yet"
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined); // what never was open does not close
  }
}
