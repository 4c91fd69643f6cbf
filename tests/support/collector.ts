/** An OTLP/HTTP collector: a real server that takes what the real exporter sends, and reads it from its bytes. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { findFreePort } from './ports.js';
import { readSpans, type CollectedSpan } from './otlp.js';
import { waitFor } from './wait.js';

export interface Collector {
  /** As OTEL_EXPORTER_OTLP_ENDPOINT takes it. */
  endpoint: string;
  /** Of every request, whatever it was answered. */
  bodies: Buffer[];
  requests: { path: string | undefined; headers: IncomingMessage['headers'] }[];
  spans: () => CollectedSpan[];
  /** Resolves with all spans of `name` once there are as many as wanted. */
  waitForSpans: (name: string, count: number) => Promise<CollectedSpan[]>;
  close: () => Promise<void>;
}

export type Answer = (response: ServerResponse) => void;

/** What a collector answers that took everything. */
const accept: Answer = (response) => {
  response.writeHead(200, { 'Content-Type': 'application/x-protobuf' }).end();
};

/** @param answer by default everything is taken; a collector may also refuse, or not answer at all. */
export async function startCollector(answer = accept): Promise<Collector> {
  const bodies: Buffer[] = [];
  const requests: Collector['requests'] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url: path, headers } = request;
      const body = Buffer.concat(chunks);
      bodies.push(headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
      requests.push({ path, headers });
      answer(response);
    });
  });
  const port = await findFreePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const spans = () => bodies.flatMap(readSpans);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bodies,
    requests,
    spans,
    waitForSpans: (name, count) =>
      waitFor(`${count} spans ${name}`, () => {
        const named = spans().filter((span) => span.name === name);
        return named.length >= count ? named : undefined;
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
