/** A transaction pooler, as PgBouncer is one: lends a session of the server's to whoever begins a transaction, until it ends. Simple queries only. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import pg from 'pg';

export interface TransactionPooler {
  url: string;
  close: () => Promise<void>;
}

/** Of PgBouncer's settings: which of the idle sessions is lent next. */
export type Order = 'last in, first out' | 'round robin';

const SESSIONS = 3;
/** AuthenticationOk, and ReadyForQuery outside a transaction. */
const GREETING = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);
const TERMINATE = 0x58;

export async function startPooler(serverUrl: string, order: Order): Promise<TransactionPooler> {
  const clients = Array.from({ length: SESSIONS }, () => new pg.Client(serverUrl));
  await Promise.all(clients.map((client) => client.connect()));
  const idle = clients.map(takeSocket);
  const sockets = new Set<Socket>();
  const proxy = createServer((socket) => {
    let session: Socket | undefined;
    sockets.add(socket);
    socket.once('data', () => {
      socket.write(GREETING);
      socket.on('data', (request) => {
        if (request[0] === TERMINATE) return;
        session ??= lend(socket);
        session.write(request);
      });
    });
    const lend = (to: Socket): Socket => {
      const lent = order === 'round robin' ? idle.shift() : idle.pop();
      if (!lent) throw new Error('All sessions are lent.');
      const relay = (answer: Buffer) => {
        to.write(answer);
        if (!isEndOfTransaction(answer)) return;
        lent.off('data', relay);
        session = undefined;
        idle.push(lent);
      };
      return lent.on('data', relay);
    };
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const url = new URL(serverUrl);
  url.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`; // a TCP server's address is an object
  return {
    url: url.href,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
      await Promise.all(clients.map((client) => client.end()));
    },
  };
}

/** Authenticated by pg, which then reads no more of it. */
function takeSocket(client: pg.Client): Socket {
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection; // no part of its types
  return stream.removeAllListeners('data');
}

/** ReadyForQuery, whose last byte says `I` for idle. */
function isEndOfTransaction(answer: Buffer): boolean {
  return answer.at(-6) === 0x5a && answer.at(-1) === 0x49;
}
