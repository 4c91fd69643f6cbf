/** The image at work, against a real Postgres and Redis: migrate, ingest, worker, board, one event from signature to row, and a stop. */
import { createServer, type AddressInfo } from 'node:net';
import { constants } from 'node:os';
import { sampleEvent } from '../../src/clerk/samples/index.js';
import { deliver, newMessageId, SECRET } from '../support/clerk.js';
import { type TestDatabase } from '../support/database.js';
import { findFreePort } from '../support/ports.js';
import { waitFor } from '../support/wait.js';
import { type Image } from './build-image.js';
import { runInImage, type Running } from './run-in-image.js';

export interface Trial {
  image: Image;
  /** Empty. */
  database: TestDatabase;
  redisUrl: string;
  note: (line: string) => void;
}

const PROCESSES = ['ingest', 'worker', 'board'] as const;

/** @throws Error that says what the image did not do, with what it printed. */
export async function tryImage({ image, database, redisUrl, note }: Trial): Promise<void> {
  const places = { DATABASE_URL: database.url, REDIS_URL: redisUrl };
  note('./run.mjs migrate');
  await expectExit(runInImage(image, ['./run.mjs', 'migrate'], places), 0);
  const running: Running[] = [];
  try {
    const settings = { ...places, CLERK_WEBHOOK_SIGNING_SECRET: SECRET, ...(await takePorts()) };
    for (const name of PROCESSES) {
      note(`./run.mjs ${name}, its HEALTHCHECK, /readyz`);
      running.push(await startProcess(image, name, settings));
    }
    note('one event, from its signature to its row');
    const id = await sendUser(settings.PORT, database);
    note('./run.mjs why and doctor');
    await expectExit(runInImage(image, ['./run.mjs', 'why', id], settings), 0);
    await expectExit(runInImage(image, ['./run.mjs', 'doctor'], settings), 0);
    note('SIGTERM, to a command and to the processes');
    await stopCommand(image);
    for (const { child } of running) child.kill('SIGTERM');
    for (const one of running) await expectExit(one, 0);
    await expectExit(runInImage(image, image.health, settings), 1);
  } finally {
    for (const { child } of running) child.kill('SIGKILL');
  }
}

type Settings = Record<string, string>;

async function takePorts() {
  return {
    HOST: '127.0.0.1',
    PORT: `${await findFreePort()}`,
    INGEST_OPS_PORT: `${await findFreePort()}`,
    WORKER_OPS_PORT: `${await findFreePort()}`,
    BOARD_PORT: `${await findFreePort()}`,
  };
}

const OPS_PORTS = {
  ingest: 'INGEST_OPS_PORT',
  worker: 'WORKER_OPS_PORT',
  board: 'BOARD_PORT',
} as const;

/** Started, its health asked for where no other process would answer, and ready. */
async function startProcess(
  image: Image,
  name: (typeof PROCESSES)[number],
  settings: Settings,
): Promise<Running> {
  // Ingest is what the image runs when it is told nothing.
  const command = name === 'ingest' ? image.command : ['./run.mjs', name];
  const own = OPS_PORTS[name];
  const closed = `${await findFreePort()}`;
  const others = Object.values(OPS_PORTS).filter((other) => other !== own);
  const alone = { ...settings, ...Object.fromEntries(others.map((other) => [other, closed])) };
  await expectExit(runInImage(image, image.health, alone), 1);
  const started = runInImage(image, command, settings);
  const isReady = async () => {
    if (started.child.exitCode !== null) throw new Error(`${name} ended:\n${started.output()}`);
    return fetch(`http://127.0.0.1:${settings[own]}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  };
  try {
    await waitFor(`${name} to be ready`, isReady);
    await expectExit(runInImage(image, image.health, alone), 0);
  } catch (error) {
    started.child.kill('SIGKILL');
    throw error;
  }
  return started;
}

/** @returns the event's svix-id, once its user is in the table. */
async function sendUser(port: string, database: TestDatabase): Promise<string> {
  const id = newMessageId();
  const event = sampleEvent('user.created');
  const answer = await deliver(`http://127.0.0.1:${port}/api/webhooks`, event, id);
  if (answer.status !== 200) throw new Error(`The event was answered with ${answer.status}.`);
  await waitFor('the user to be in the table', async () => {
    const rows = await database.query('SELECT 1 FROM clerk.webhook_events WHERE outcome = $1', [
      'applied',
    ]);
    return rows.length === 1;
  });
  const users = await database.query('SELECT 1 FROM clerk.active_users');
  if (users.length !== 1) throw new Error(`${users.length} users are in the table, not one.`);
  return id;
}

/** Of a command that waits for a database which does not speak: it has no handler of its own, and the first process of a container no default. */
async function stopCommand(image: Image): Promise<void> {
  const mute = createServer();
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const { port } = mute.address() as AddressInfo; // a TCP server's address is an object
  const url = `postgres://nobody@127.0.0.1:${port}/nothing`;
  const waiting = runInImage(image, ['./run.mjs', 'migrate'], { DATABASE_URL: url });
  await new Promise((resolve) => mute.once('connection', resolve));
  waiting.child.kill('SIGTERM');
  await expectExit(waiting, 128 + constants.signals.SIGTERM);
  mute.close();
}

async function expectExit(running: Running, code: number): Promise<void> {
  const found = await running.exited;
  if (found === code) return;
  const words = running.child.spawnargs.join(' ');
  throw new Error(`${words} ended with ${found}, not ${code}:\n${running.output()}`);
}
