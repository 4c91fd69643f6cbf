/** For tests of your handlers: one event, one handler, one attempt, and nothing else. */
import { pino } from 'pino';
import { type EventType } from '../clerk/event-types.js';
import { type PrismaClient } from '../db/database.js';
import { type Environment } from '../environment.js';
import { isRecord, type JsonRecord } from '../record.js';
import { redactEnvelope } from '../redaction.js';
import { type Handler, type HandlerContext, type HandlerEvent } from './define-handlers.js';
import { toIdempotencyKey } from './idempotency-key.js';

export { sampleEvent } from '../clerk/samples/index.js';

/** An envelope as Clerk sends it, such as `sampleEvent` makes, or a body copied from the Dashboard. */
export interface Fixture {
  type: string;
  data: unknown;
  /** Milliseconds since 1970. */
  timestamp?: number;
}

export interface RunOptions {
  /** The svix-id. */
  id?: string;
  /** As it stands in the table. */
  name?: string;
  attempt?: number;
  env?: Environment;
  signal?: AbortSignal;
  /** For a handler that reads the mirror. Without it, asking is an error that says so. */
  db?: PrismaClient;
}

export interface HandlerTrial {
  /** What the handler was given to hand on. */
  idempotencyKey: string;
  /** Each line that it logged. */
  logged: Readonly<Record<string, unknown>>[];
}

/**
 * Calls the handler with the fixture as a worker would: without what is dropped before the queue.
 * @throws what the handler throws.
 */
export async function runHandler<T extends EventType>(
  handler: Handler<T>,
  fixture: Fixture,
  options: RunOptions = {},
): Promise<HandlerTrial> {
  const { id = 'msg_test', name = 'handler-on-trial', attempt = 1, env = {} } = options;
  const { signal = new AbortController().signal } = options;
  const logged: Record<string, unknown>[] = [];
  const idempotencyKey = toIdempotencyKey(id, name);
  const context: HandlerContext = {
    idempotencyKey,
    attempt,
    signal,
    get db() {
      if (!options.db)
        throw new Error('runHandler was given no `db`, and the handler asks for it.');
      return options.db;
    },
    logger: pino({ base: null, timestamp: false }, { write: (line) => logged.push(parse(line)) }),
    env,
  };
  await handler(toEvent<T>(id, fixture), context);
  return { idempotencyKey, logged };
}

/** A copy: the fixture stays as it is. */
function toEvent<T extends EventType>(id: string, fixture: Fixture): HandlerEvent<T> {
  const envelope = parse(JSON.stringify(fixture));
  redactEnvelope(envelope, fixture.type, { storePrivateMetadata: true });
  const { type, data, timestamp } = envelope;
  const occurredAt = new Date(typeof timestamp === 'number' ? timestamp : Date.now());
  // The caller says what the fixture is by the handler that it is given to.
  return { id, type, data, occurredAt } as unknown as HandlerEvent<T>; // as above
}

function parse(text: string): JsonRecord {
  const value: unknown = JSON.parse(text);
  return isRecord(value) ? value : {};
}
