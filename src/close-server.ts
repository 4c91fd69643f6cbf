/** Ends an HTTP server without cutting anyone off: whoever has been taken is answered, and told to come no more. */
import { type RequestListener, type Server, type ServerResponse } from 'node:http';
import { Server as TcpServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

const LONGEST_TAKING_MS = 1_000;
const IDLE_SWEEP_MS = 50;
/** No answer of ours takes longer than 5 s, and Node's own timeouts are longer than anybody should wait for a stop. */
const DRAIN_MS = 6_000;

/** From the moment a stop begins, each answer is its connection's last. A client that knows sends nothing into a closing one. */
export function endConnectionsOnce(
  stopping: AbortSignal,
  handler: RequestListener,
): RequestListener {
  const underWay = new Set<ServerResponse>();
  stopping.addEventListener('abort', () => {
    underWay.forEach(makeLast);
  });
  return (request, response) => {
    underWay.add(response);
    response.once('close', () => underWay.delete(response));
    if (stopping.aborted) makeLast(response);
    handler(request, response);
  };
}

function makeLast(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}

export interface ServerClosing {
  connections: ReadonlySet<Socket>;
  /** Idle connections are closed once no request has come on any of them for so long. */
  lingerMs: number;
}

/** Takes no new connections, answers what comes on those that are open, and closes them when idle, or stalled for too long. */
export async function closeServer(
  server: Server,
  { connections, lingerMs }: ServerClosing,
): Promise<void> {
  const drained = setTimeout(() => {
    server.closeAllConnections();
  }, DRAIN_MS);
  await takeQueued(server);
  const closed = stopListening(server);
  let lastRequestAt = performance.now();
  server.on('request', () => {
    lastRequestAt = performance.now();
  });
  const closeIdle = () => {
    if (performance.now() - lastRequestAt < lingerMs) return;
    server.closeIdleConnections();
    // A load balancer's probe, a browser's spare: Node counts a connection that never spoke as busy.
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
  };
  closeIdle();
  // After the turn's reads: a connection whose request has come is not idle.
  const sweep = setInterval(() => setImmediate(closeIdle), IDLE_SWEEP_MS);
  await closed;
  clearInterval(sweep);
  clearTimeout(drained);
}

/** Node takes one connection a turn, and the system resets those that are in its queue when nobody listens any more. */
async function takeQueued(server: Server): Promise<void> {
  let taken = 0;
  server.on('connection', () => taken++);
  const deadline = performance.now() + LONGEST_TAKING_MS;
  await nextTurn(); // what is left of this turn may not look at the queue
  let before: number;
  do {
    before = taken;
    await nextTurn();
  } while (taken > before && performance.now() < deadline);
}

/** Not the HTTP server's own `close`, which closes idle connections at once. */
function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    TcpServer.prototype.close.call(server, () => {
      resolve();
    });
  });
}
