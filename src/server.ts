/** A Node server with tight timeouts that closes without cutting anyone off. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, type Socket } from 'node:net';
import { closeServer, endConnectionsOnce } from './close-server.js';
import { SyncError } from './errors.js';

/** Svix gives up on a delivery after 15 s; whoever needs longer to send one is not Svix. */
const REQUEST_TIMEOUT_MS = 15_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** Longer than the usual 60 s of load balancers, so that they close idle connections first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

/** Whoever is about to send a request into an idle connection when it is closed fails; a client that is at work is told before. */
const LINGER_MS = 1_000;

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
  return { port: address.port, close: () => closeServer(server, { connections, lingerMs }) };
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
