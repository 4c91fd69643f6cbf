/** Keeps what was started, waits for a stop or for the first part to die, and stops everything in reverse order. */
import { messageOf, isSyncError, SyncError } from '../errors.js';
import { type Terminal } from './terminal.js';

export interface Part {
  /** Spoken of while it stops; left out for what stops in no time. */
  name?: string;
  /** Bounded in time by itself. */
  stop: () => Promise<void> | void;
  /** At once, without waiting. */
  kill: () => void;
  /** Resolves with what happened when the part has ended, by itself or stopped. */
  ended?: Promise<string>;
}

export interface Start {
  /** Hands a part over as soon as it runs, and gives it back. @throws the reason when a stop was asked for meanwhile. */
  keep: <P extends Part>(part: P) => P;
  /** Aborted by a stop, and by the first part that dies. */
  stopping: AbortSignal;
}

export interface Supervisor {
  /** @returns the exit code: 0 after a clean stop that was asked for. */
  run: (start: (tools: Start) => Promise<void>) => Promise<number>;
  stop: () => void;
  /** Ends everything that was started at once. */
  kill: () => void;
}

export function createSupervisor({ note, complain }: Terminal): Supervisor {
  const parts: Part[] = [];
  const stopping = new AbortController();
  let exitCode = 0;

  const fail = (error: unknown) => {
    exitCode ||= isSyncError(error) ? error.exitCode : 1;
    complain(describe(error));
  };
  const keep = <P extends Part>(part: P): P => {
    parts.push(part);
    void part.ended?.then((how) => {
      if (stopping.signal.aborted) return;
      fail(new SyncError('work.failed', `${part.name ?? 'a part'} ${how}. Stopping the rest.`));
      stopping.abort();
    });
    stopping.signal.throwIfAborted();
    return part;
  };
  const stopAll = async () => {
    for (const part of [...parts].reverse()) {
      try {
        if (part.name) note(`stopping ${part.name}`);
        await part.stop();
      } catch (error) {
        fail(error);
      }
    }
  };

  return {
    async run(start) {
      try {
        await start({ keep, stopping: stopping.signal });
        await untilAborted(stopping.signal);
      } catch (error) {
        // What fails because it was told to stop has been told of already.
        if (!stopping.signal.aborted) fail(error);
      }
      stopping.abort();
      await stopAll();
      if (parts.some(({ name }) => name)) note('stopped');
      return exitCode;
    },
    stop: () => {
      if (stopping.signal.aborted) return;
      stopping.abort();
      note('stopping');
    },
    kill: () => {
      for (const part of [...parts].reverse()) part.kill();
    },
  };
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** A defect of ours comes with where it happened; what the system refuses (a full disk) and what we foresaw do not need that. */
function describe(error: unknown): string {
  const isForeseen = isSyncError(error) || (error instanceof Error && 'code' in error);
  return error instanceof Error && !isForeseen ? (error.stack ?? error.message) : messageOf(error);
}
