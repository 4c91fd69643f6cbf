/** The part that all tutorials share: Express with the raw body, and svix to verify it. Answers once the event is handled. */
import express from 'express';
import { type AddressInfo } from 'node:net';
import { Webhook } from 'svix';
import { type ClerkUser } from './to-user-row.js';

export interface UserEvent {
  type: string;
  data: ClerkUser;
}

/** Listens on a port of its own, and tells whoever started the process which. */
export function receiveEvents(
  secret: string,
  handle: (event: UserEvent) => Promise<unknown>,
): void {
  const webhook = new Webhook(secret);
  const app = express();
  const readBody = express.raw({ type: 'application/json', limit: '1mb' });
  app.post('/api/webhooks', readBody, async (request, response) => {
    let event: UserEvent;
    try {
      const body = request.body as Buffer; // what express.raw leaves
      event = webhook.verify(body, request.headers as Record<string, string>) as UserEvent; // nothing else is sent
    } catch {
      response.status(400).json({ error: 'The signature does not match.' });
      return;
    }
    await handle(event);
    response.json({ received: true });
  });
  announcePort(app);
}

export function announcePort(app: express.Express): void {
  const server = app.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo; // a TCP server's address is an object
    console.log(JSON.stringify({ port }));
  });
}
