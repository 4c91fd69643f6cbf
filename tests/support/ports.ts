import { createServer, type AddressInfo } from 'node:net';

/** A port that was free a moment ago. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo; // a TCP server's address is an object
      server.close(() => {
        resolve(port);
      });
    });
  });
}
