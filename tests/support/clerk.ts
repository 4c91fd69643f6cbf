/** Clerk as seen from outside: signed deliveries over real HTTP. */
import { randomBytes } from 'node:crypto';
import { type SampleEvent } from '../../src/clerk/samples/index.js';
import { createSigner } from '../../src/clerk/signature.js';

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

export interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

export function newMessageId(): string {
  return `msg_${randomBytes(12).toString('hex')}`;
}

export async function post(
  url: string,
  headers: Record<string, string>,
  body: string | Buffer,
): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', headers, body });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: JSON.parse(text || '{}') as Answer['body'],
  }; // every answer of ours is a JSON object
}

/** Delivers an event as Svix would, under a fresh svix-id unless one is given. */
export function deliver(
  url: string,
  event: SampleEvent | object,
  id = newMessageId(),
): Promise<Answer> {
  const body = JSON.stringify(event);
  return post(url, createSigner(SECRET)(id, body), body);
}
