/** Connections that are kept alive: one request at a time on each, more of them while all are busy, and a queue once there are enough. */
import { openConnection, type Connection, type Target } from './connection.js';
import { type Request } from './requests.js';

export interface Pool {
  /** `onAnswer` is called once, with the status; 0: the connection broke without an answer. */
  send: (request: Request, onAnswer: (status: number) => void) => void;
  mostOpen: () => number;
  close: () => void;
}

/** Below the five seconds after which a Node server of old closes a silent connection, perhaps just when we send. */
const LONGEST_IDLE_MS = 3_000;

interface Waiting {
  request: Request;
  onAnswer: (status: number) => void;
}

export function createPool(target: Target, size: number): Pool {
  const open = new Set<Connection>();
  let idle: Connection[] = [];
  const queue: Waiting[] = [];
  let taken = 0;
  let mostOpen = 0;
  const openOne = (): Connection => {
    const connection = openConnection(target, () => {
      open.delete(connection);
      idle = idle.filter((other) => other !== connection);
    });
    open.add(connection);
    mostOpen = Math.max(mostOpen, open.size);
    return connection;
  };
  const takeIdle = (): Connection | undefined => {
    const connection = idle.pop();
    if (!connection || performance.now() - connection.usedAt() < LONGEST_IDLE_MS) return connection;
    // The one used last has been silent for too long, so all have.
    for (const old of [...idle, connection]) old.close();
    idle = [];
    return undefined;
  };
  const run = (connection: Connection, { request, onAnswer }: Waiting) => {
    connection.send(request, (status) => {
      const next = queue[taken];
      if (next === undefined) {
        if (connection.isOpen()) idle.push(connection);
      } else {
        taken += 1;
        run(connection.isOpen() ? connection : openOne(), next);
      }
      onAnswer(status);
    });
  };
  return {
    send(request, onAnswer) {
      const connection = takeIdle() ?? (open.size < size ? openOne() : undefined);
      if (connection) run(connection, { request, onAnswer });
      else queue.push({ request, onAnswer });
    },
    mostOpen: () => mostOpen,
    close: () => {
      for (const connection of open) connection.close();
    },
  };
}
