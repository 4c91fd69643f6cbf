/** What an application writes: functions, and the table that says for which events they are. */
import { type EventData, type EventFamily } from '../clerk/event-data.js';
import { type EventType } from '../clerk/event-types.js';
import { type PrismaClient } from '../db/database.js';
import { type Environment } from '../environment.js';
import { type Logger } from '../logger.js';

/** An event that was applied, as the ledger has it: `type` tells what `data` is. */
export type HandlerEvent<T extends EventType = EventType> = T extends EventType
  ? {
      /** The svix-id. */
      id: string;
      type: T;
      /** As Clerk sent it, less what may be nowhere (codes, bodies, links, tickets). */
      data: EventData<T>;
      /** When it happened, as Clerk says. */
      occurredAt: Date;
    }
  : never;

export interface HandlerContext {
  /**
   * The same for every attempt of this handler at this event, and for no other: `EVENTID.HANDLER`. Hand it to whomever you call
   * (`Idempotency-Key`), so that a second attempt sends no second message.
   */
  idempotencyKey: string;
  /** From 1. Above it, an attempt before this one failed, or died with its worker. */
  attempt: number;
  /** Aborted when the attempt takes longer than HANDLER_TIMEOUT, or the worker stops: hand it to `fetch` and the like. */
  signal: AbortSignal;
  /** Prisma on the mirror's tables, with few connections of this handler's own. Read them; write to tables of yours alone. */
  db: PrismaClient;
  /** Names event and handler in each line. Log no personal data. */
  logger: Logger;
  /** The environment, `.env.local` and `.env`: where the keys of your services are. */
  env: Environment;
}

/** Resolves when it is done; a rejection is another attempt, after a pause. */
export type Handler<T extends EventType = EventType> = (
  event: HandlerEvent<T>,
  context: HandlerContext,
) => Promise<void>;

/** `user.created`, every event of a family, or every event. */
export type EventPattern = EventType | `${EventFamily}.*` | '*';

/** The event types that a pattern is for. */
export type TypesOf<P extends EventPattern> = P extends '*'
  ? EventType
  : P extends `${infer Family}.*`
    ? Extract<EventType, `${Family}.${string}`>
    : Extract<EventType, P>;

/** By pattern, then by name. */
export type HandlerTable = {
  readonly [P in EventPattern]?: Readonly<Record<string, Handler<TypesOf<P>>>>;
};

/** Gives the table its types; what is wrong with it beyond them is said when a process starts. */
export function defineHandlers(table: HandlerTable): HandlerTable {
  return table;
}
