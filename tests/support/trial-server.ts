/** Whom the handlers of `tests/fixtures/handlers` call: a real HTTP server that writes down each call, and answers when and as it is told. */
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';

export interface Call {
  handler: string;
  eventId: string;
  /** What came as `Idempotency-Key`. */
  key: string;
  attempt: number;
}

export interface TrialServer {
  url: string;
  calls: readonly Call[];
  /** What becomes of each call: an HTTP status, at once or later. Default: 200. */
  answer: (decide: (call: Call) => number | Promise<number>) => void;
  close: () => Promise<void>;
}

export async function startTrialServer(): Promise<TrialServer> {
  const calls: Call[] = [];
  let decide: (call: Call) => number | Promise<number> = () => 200;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const call: Call = {
        ...(JSON.parse(body) as Pick<Call, 'eventId' | 'attempt'>), // what the fixture sends
        handler: request.url?.slice(1) ?? '',
        key: String(request.headers['idempotency-key']),
      };
      calls.push(call);
      void Promise.resolve(decide(call)).then((status) => response.writeHead(status).end());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // of a TCP server
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    answer: (next) => (decide = next),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
