/** Whole HTTP requests as bytes, signed as Svix signs. */
import { createHmac, randomBytes } from 'node:crypto';
import { createLargeBody } from '../event-templates.js';
import { createEvents } from '../events.js';
import { type LoadOptions } from './contract.js';

/** In one or several pieces, to be sent one after the other. */
export type Request = readonly Buffer[];

/** Valid for five minutes from now. */
export function buildRequests({ url, secret, events, forgedBytes }: LoadOptions): Request[] {
  const timestamp = Math.floor(Date.now() / 1000);
  const writeHead = createHeadWriter(new URL(url), timestamp);
  if (forgedBytes !== undefined) {
    const body = Buffer.from(createLargeBody(forgedBytes));
    return Array.from({ length: events.count }, () => [forgeHead(writeHead, body.length), body]);
  }
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return Array.from(createEvents(events), ({ id, body }) => {
    const hash = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`);
    const head = writeHead({
      id,
      signature: hash.digest('base64'),
      length: Buffer.byteLength(body),
    });
    return [Buffer.from(head + body)];
  });
}

type WriteHead = (of: { id: string; signature: string; length: number }) => string;

function forgeHead(writeHead: WriteHead, length: number): Buffer {
  const id = `msg_2${randomBytes(13).toString('hex')}`;
  return Buffer.from(writeHead({ id, signature: randomBytes(32).toString('base64'), length }));
}

function createHeadWriter({ host, pathname }: URL, timestamp: number): WriteHead {
  return ({ id, signature, length }) =>
    [
      `POST ${pathname} HTTP/1.1`,
      `Host: ${host}`,
      'Accept: */*',
      'Content-Type: application/json',
      'User-Agent: Svix-Webhooks/1.68.0 (+https://www.svix.com/http-sender/)',
      `svix-id: ${id}`,
      `svix-timestamp: ${timestamp}`,
      `svix-signature: v1,${signature}`,
      `Content-Length: ${length}`,
      '\r\n',
    ].join('\r\n');
}
