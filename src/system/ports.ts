/** Makes sure, before anything is started, that every port can be had, so that a taken one is named at once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Config } from '../config.js';
import { listen } from '../server.js';
import { CHILDREN, type PortName, type Ports } from './children.js';
import { type Terminal } from './terminal.js';

const RETRY_MS = 200;

export interface PortClaims {
  config: Config;
  /** The system before this one was killed: its processes are closing, and a port of theirs will yet become free. */
  isLeftOver: boolean;
  terminal: Terminal;
  stopping: AbortSignal;
}

/** @returns the ports, the 0s replaced by ones that are free. @throws SyncError `config.invalid` that names the variable to change. */
export async function claimPorts(claims: PortClaims): Promise<Ports> {
  const { config, isLeftOver, terminal, stopping } = claims;
  if (isLeftOver) terminal.note('the last run did not stop by itself; waiting for what it left');
  const deadline = Date.now() + (isLeftOver ? config.SHUTDOWN_GRACE * 1000 : 0);
  for (;;) {
    try {
      return await openAll(config);
    } catch (error) {
      if (Date.now() >= deadline) throw error;
      await sleep(RETRY_MS, undefined, { signal: stopping });
    }
  }
}

/** All at once, so that two variables with one number are found, too. */
async function openAll(config: Config): Promise<Ports> {
  const wanted: { name: PortName; host: string }[] = [
    { name: 'PORT', host: config.HOST },
    ...CHILDREN.map(({ opsPort, opsHost }) => ({ name: opsPort, host: config[opsHost] })),
  ];
  const ports: Partial<Ports> = {};
  const servers: { close: () => Promise<void> }[] = [];
  try {
    for (const { name, host } of wanted) {
      const server = await listen(() => undefined, {
        host,
        port: config[name],
        portVariable: name,
      });
      servers.push(server);
      ports[name] = server.port;
    }
    return ports as Ports; // the loop has set every name
  } finally {
    await Promise.all(servers.map((server) => server.close()));
  }
}
