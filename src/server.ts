/** A Node server with tight timeouts that closes without cutting anyone off. */
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { Server as TcpServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SyncError } from './errors.js';

/** Svix gives up on a delivery after 15 s; whoever needs longer to send one is not Svix. */
const REQUEST_TIMEOUT_MS = 15_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** Longer than the usual 60 s of load balancers, so that they close idle connections first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

/** A connection that is closed while a request is on its way resets it. One that is used twice a second is told in time. */
const LINGER_MS = 500;
const IDLE_SWEEP_MS = 50;
/** No answer of ours takes longer than 5 s, and Node's own timeouts are longer than anybody should wait for a stop. */
const DRAIN_MS = 6_000;

export interface ListenOptions {
  host: string;
  port: number;
  /** The variable to change when the port is taken. */
  portVariable: string;
  /** Once aborted, each answer tells its client to use the connection no more, and `close` gives idle ones time for one more. */
  stopping?: AbortSignal;
}

/** Listens, and returns the port (that was chosen when 0 was asked for). @throws SyncError `config.invalid` when it cannot. */
export async function listen(
  handler: RequestListener,
  { host, port, portVariable, stopping }: ListenOptions,
): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: HEADERS_TIMEOUT_MS },
    stopping ? endConnectionsOnce(stopping, handler) : handler,
  );
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  const connections = trackConnections(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(explain(error, { host, port, portVariable }));
    });
    server.listen(port, host, resolve);
  });
  // A TCP server's address is an object, never a pipe's name.
  const address = server.address() as AddressInfo;
  const lingerMs = stopping ? LINGER_MS : 0;
  return { port: address.port, close: () => closeServer(server, connections, lingerMs) };
}

/** Answers what is under way and what still comes on open connections; those that stay idle are closed, the stalled at last. */
async function closeServer(
  server: Server,
  connections: ReadonlySet<Socket>,
  lingerMs: number,
): Promise<void> {
  const drained = setTimeout(() => {
    server.closeAllConnections();
  }, DRAIN_MS);
  // In the turn in which all that the system has taken for us was fetched: what is left in its queue would be reset.
  await nextTurn();
  // Not the HTTP server's own `close`, which would close idle connections with it.
  const closed = new Promise<void>((resolve) => {
    TcpServer.prototype.close.call(server, () => {
      resolve();
    });
  });
  const lingered = performance.now() + lingerMs;
  const closeIdle = () => {
    if (performance.now() < lingered) return;
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

/** A client that knows sends no request into a connection that is about to close. */
function endConnectionsOnce(stopping: AbortSignal, handler: RequestListener): RequestListener {
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

/** The last answer on its connection, which Node then closes. */
function makeLast(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}

function trackConnections(server: Server): ReadonlySet<Socket> {
  const connections = new Set<Socket>();
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  return connections;
}

function explain(
  error: NodeJS.ErrnoException,
  { host, port, portVariable }: ListenOptions,
): SyncError {
  const causes: Record<string, string> = {
    EADDRINUSE: `Port ${port} is taken. Stop what listens there, or set ${portVariable} to another.`,
    EACCES: `Port ${port} may not be opened by this user. Set ${portVariable} to one above 1023.`,
    EADDRNOTAVAIL: `The address ${host} is not one of this machine's.`,
  };
  return new SyncError(
    'config.invalid',
    causes[error.code ?? ''] ?? `Cannot listen on ${host}:${port}: ${error.message}`,
  );
}
