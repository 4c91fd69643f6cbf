/** What tracing does for a process: each part wraps one seam. Types only. A process that is not traced has parts that do nothing. */
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type Database } from '../db/database.js';
import { type Logger } from '../logger.js';
import { type JobTracing } from '../queue/consumer.js';

export interface Tracing extends IngestTracing, WorkerTracing {
  /** What ties a line of the log to the span that it is written in. Undefined: nothing. */
  describeLine: ((line: object) => Record<string, string>) | undefined;
  /** Where trouble with tracing itself is told of; it is nobody else's. */
  reportTo: (logger: Logger) => void;
  /** Sends what is left, within a bounded time. Never rejects. */
  close: () => Promise<void>;
}

export interface IngestTracing {
  /** To be asked before all else. Undefined: need not be. */
  middleware: Middleware | undefined;
  traceEnqueue: <D extends Identified, S extends string>(
    enqueue: Enqueue<D, S>,
  ) => EnqueueFor<D, S>;
  /** The span that sends a delivery, as its job carries it. */
  describeTrace: ((delivery: object) => string | undefined) | undefined;
}

export interface WorkerTracing {
  jobs: JobTracing | undefined;
  traceApply: <D extends Identified, R extends Applied>(apply: Apply<D, R>) => Apply<D, R>;
  traceReport: <S extends Settled, O extends object>(report: O & Report<S>) => O & Report<S>;
  traceDatabase: (db: Database) => Database;
}

export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: () => void,
) => void;

export interface Identified {
  /** svix-id. */
  id: string;
}

export type Enqueue<D, S> = (delivery: D, type: string) => Promise<S>;
/** `response`: what answers the request that brought the delivery. */
export type EnqueueFor<D, S> = (delivery: D, type: string, response: ServerResponse) => Promise<S>;
export type Apply<D, R> = (deliveries: readonly D[]) => Promise<R[]>;

export interface Applied {
  outcome: string;
  repeated: boolean;
  error?: unknown;
}

export interface Settled {
  entry: Identified & { entityType: string | null; entityId: string | null };
}

export interface Report<S> {
  settled: (settled: S) => void;
}
