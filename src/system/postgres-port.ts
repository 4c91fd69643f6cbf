/** The embedded Postgres's port: free, and the same from start to start when it can be, so that connection strings stay good. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';

export async function choosePostgresPort(directory: string): Promise<number> {
  const file = path.join(directory, 'postgres-port');
  const last = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  const port = (await tryPort(last)) ?? (await tryPort(0));
  if (port === undefined) throw new Error('no free port on 127.0.0.1');
  writeFileSync(file, `${port}\n`);
  return port;
}

/** Undefined when it is taken; for 0, one that is free. */
function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(undefined);
    });
    server.listen(port, '127.0.0.1', () => {
      const { port: found } = server.address() as AddressInfo; // a TCP server's address is an object
      server.close(() => {
        resolve(found);
      });
    });
  });
}
