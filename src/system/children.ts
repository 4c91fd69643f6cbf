/** The processes of a running system, in the order in which they start: a row for each, and what all of them are told. */
import { type Config } from '../config.js';
import { type Environment } from '../environment.js';

export const CHILDREN = [
  { name: 'ingest', file: 'ingest.ts', opsHost: 'OPS_HOST', opsPort: 'INGEST_OPS_PORT' },
  { name: 'worker', file: 'worker.ts', opsHost: 'OPS_HOST', opsPort: 'WORKER_OPS_PORT' },
  { name: 'board', file: 'board.ts', opsHost: 'BOARD_HOST', opsPort: 'BOARD_PORT' },
] as const;

export type PortName = 'PORT' | (typeof CHILDREN)[number]['opsPort'];
export type Ports = Record<PortName, number>;

export interface ChildSettings {
  environment: Environment;
  config: Config;
  ports: Ports;
  databaseUrl: string;
  /** Used when none is configured. */
  signingSecret: string;
  /** Their output ends on a terminal, though they themselves write to a pipe. */
  isTerminal: boolean;
}

/** What `npm start` was given, and what it found or made for whatever was left unset. */
export function createChildEnvironment(settings: ChildSettings): Environment {
  const { environment, config, ports, databaseUrl, signingSecret, isTerminal } = settings;
  const secrets = config.signingSecrets.length > 0 ? config.signingSecrets : [signingSecret];
  return {
    ...(isTerminal ? { LOG_FORMAT: 'pretty' } : {}),
    ...(isTerminal && !environment['NO_COLOR'] ? { FORCE_COLOR: '1' } : {}),
    ...environment,
    ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, `${port}`])),
    DATABASE_URL: databaseUrl,
    CLERK_WEBHOOK_SIGNING_SECRET: secrets.join(' '),
  };
}
