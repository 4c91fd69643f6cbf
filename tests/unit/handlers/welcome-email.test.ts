/** The recipe for a welcome email, against a real HTTP server that plays the mail provider. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo } from 'node:net';
import { sendWelcomeEmail } from '../../../src/handlers/welcome-email.js';
import { runHandler, sampleEvent } from '../../../src/outbox/testing.js';

const requests: { headers: IncomingHttpHeaders; body: Record<string, unknown> }[] = [];
let status = 200;
const provider = createServer((request, response) => {
  let text = '';
  request.on('data', (chunk: Buffer) => (text += chunk.toString()));
  request.on('end', () => {
    requests.push({ headers: request.headers, body: JSON.parse(text) as Record<string, unknown> }); // an object is what it is sent
    response.writeHead(status).end('{"message":"no such address: ada@example.com"}');
  });
});
let env: Record<string, string>;

beforeAll(async () => {
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  const { port } = provider.address() as AddressInfo; // of a TCP server
  env = { MAIL_URL: `http://127.0.0.1:${port}`, MAIL_API_KEY: 'key', MAIL_FROM: 'us@example.com' };
});
beforeEach(() => {
  requests.length = 0;
  status = 200;
});
afterAll(() => new Promise((resolve) => provider.close(resolve)));

test('goes to the primary address, with the key that tells a second attempt from a second mail', async () => {
  const event = sampleEvent('user.created');
  Object.assign(event.data, {
    first_name: 'Ada',
    primary_email_address_id: 'idn_2',
    email_addresses: [
      { id: 'idn_1', email_address: 'other@example.com' },
      { id: 'idn_2', email_address: 'ada@example.com' },
    ],
  });
  await runHandler(sendWelcomeEmail, event, { id: 'msg_1', name: 'welcome-email', env });
  await runHandler(sendWelcomeEmail, event, {
    id: 'msg_1',
    name: 'welcome-email',
    env,
    attempt: 2,
  });
  expect(requests.map(({ headers }) => headers['idempotency-key'])).toEqual([
    'msg_1.welcome-email',
    'msg_1.welcome-email',
  ]);
  expect(requests[0]?.headers.authorization).toBe('Bearer key');
  expect(requests[0]?.body).toMatchObject({ to: 'ada@example.com', from: 'us@example.com' });
});

test('somebody without an address gets none, and that is no failure', async () => {
  const event = sampleEvent('user.created');
  Object.assign(event.data, { primary_email_address_id: null, email_addresses: [] });
  await runHandler(sendWelcomeEmail, event, { env });
  expect(requests).toEqual([]);
});

test('a refusal of the provider is a failed attempt, whose reason names nobody', async () => {
  status = 422;
  await expect(runHandler(sendWelcomeEmail, sampleEvent('user.created'), { env })).rejects.toThrow(
    /^The mail provider answered 422\.$/,
  );
});
