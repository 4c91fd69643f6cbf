/** Stands between a client and a server, and can hold back each answer. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SlowProxy {
  /** The server's, by way of the proxy. */
  url: string;
  /** How long each piece of an answer is held back that comes from now on; 0 at first. */
  setDelay: (ms: number) => void;
  close: () => Promise<void>;
}

export async function startSlowProxy(serverUrl: string): Promise<SlowProxy> {
  const { hostname, port } = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let delayMs = 0;
  const proxy = createServer((client) => {
    const server = connect({ host: hostname, port: Number(port), noDelay: true });
    client.setNoDelay(true);
    client.on('data', (question) => server.write(question));
    let earlier = Promise.resolve();
    server.on('data', (answer) => {
      const due = Date.now() + delayMs;
      earlier = earlier
        .then(() => (due > Date.now() ? sleep(due - Date.now()) : undefined))
        .then(() => void client.write(answer));
    });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined); // 'close' follows
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const url = new URL(serverUrl);
  url.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`; // a TCP server's address is an object
  return {
    url: url.href,
    setDelay: (ms) => (delayMs = ms),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
