/** What the commands of a second terminal need to know about the running system; there for as long as it runs. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { type Config } from '../config.js';
import { type SystemFile } from '../environment.js';
import { CHILDREN, type Ports } from './children.js';
import { writePrivateFile } from './private-file.js';
import { type Part } from './supervisor.js';
import { formatPublicUrl, formatUrl } from './urls.js';

export interface Facts {
  config: Config;
  ports: Ports;
  signingSecret: string;
  databaseUrl: string;
}

export function describeSystem({ config, ports, signingSecret, databaseUrl }: Facts): SystemFile {
  return {
    endpoint: `${formatPublicUrl(config.HOST, ports.PORT)}${config.WEBHOOK_PATHS[0] ?? ''}`,
    signingSecret,
    databaseUrl,
    redisUrl: config.REDIS_URL ?? null,
    boardUrl: `${formatUrl(config.BOARD_HOST, ports.BOARD_PORT)}/queues`,
    opsUrls: Object.fromEntries(
      CHILDREN.map(({ name, opsHost, opsPort }) => [
        name,
        formatUrl(config[opsHost], ports[opsPort]),
      ]),
    ),
  };
}

export function writeSystemFile(dataDir: string, system: SystemFile): Part {
  writePrivateFile(locate(dataDir), `${JSON.stringify(system, null, 2)}\n`);
  const stop = () => removeSystemFile(dataDir);
  return { stop, kill: stop };
}

/** Also for one that a system left which was killed: it tells of what no longer runs. */
export function removeSystemFile(dataDir: string): void {
  rmSync(locate(dataDir), { force: true });
}

function locate(dataDir: string): string {
  return path.join(dataDir, 'system.json');
}
