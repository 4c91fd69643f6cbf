import { inspect } from 'node:util';
import { createClerkApi } from '../../src/clerk/backend-api.js';
import { isSyncError, type SyncError } from '../../src/errors.js';
import {
  answerHtml,
  answerJson,
  answerLate,
  type Break,
  cutConnection,
  cutJson,
  failWith,
  hang,
  reset,
} from '../support/clerk-api/faults.js';
import { type ClerkApiServer, startClerkApi } from '../support/clerk-api/start-clerk-api.js';
import { waitFor } from '../support/wait.js';

const PATIENCE = { attempts: 3, firstPauseMs: 1, longestPauseMs: 4, deadlineMs: 10_000 };
const BOUNDLESS = { requests: 1_000_000, windowMs: 10_000 };

let server: ClerkApiServer;

beforeEach(async () => {
  server = await startClerkApi({ size: { users: 3 } });
});

afterEach(() => server.stop());

function connect(options: Partial<Parameters<typeof createClerkApi>[0]> = {}) {
  const { url: apiUrl, secretKey } = server;
  return createClerkApi({
    secretKey,
    apiUrl,
    patience: PATIENCE,
    allowance: BOUNDLESS,
    ...options,
  });
}

type Api = ReturnType<typeof connect>;

/** One call that goes through Clerk's own client, and one that is fetched. */
const CALLS: [string, (api: Api) => Promise<unknown>][] = [
  ['an object', (api) => api.findUser(firstId())],
  ['a list', async (api) => (await api.listPages('users').next()).value],
];

/** Each leaves a request without a usable answer. */
const TROUBLE: [string, Break][] = [
  ['a 500', failWith(500)],
  ['a 503', failWith(503, { headers: { 'retry-after': '0' } })],
  ['a 502 with an HTML page', answerHtml(502)],
  ['an HTML page that says 200', answerHtml(200)],
  ['JSON of somebody else', answerJson('{"ok":true}')],
  ['a list of something else', answerJson('[{"ok":true}]')],
  ['half of the JSON', cutJson()],
  ['a connection that ends in mid-body', cutConnection()],
  ['a connection that is reset', reset()],
];

function firstId(): string {
  return server.instance.collections.users.slice(0, 1)[0]?.id ?? '';
}

async function fail(call: Promise<unknown>): Promise<SyncError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (isSyncError(error)) return error;
  throw new Error(`Expected a SyncError, got ${inspect(error)}.`);
}

describe.each(CALLS)('asking for %s', (_what, call) => {
  test.each(TROUBLE)('%s, twice, is tried again and comes right', async (_name, how) => {
    const expected = await call(connect());
    const before = server.counts().requests;
    server.fail({ how, times: 2 });
    expect(await call(connect())).toEqual(expected);
    expect(server.counts().requests - before).toBe(3);
  });

  test.each(TROUBLE)(
    '%s for good is given up after a bounded number of tries',
    async (_name, how) => {
      server.fail({ how });
      const error = await fail(call(connect()));
      expect(error).toMatchObject({ code: 'clerk.unavailable', retryable: true, exitCode: 1 });
      expect(error.message).toContain('CLERK_API_URL');
      expect(server.counts().requests).toBe(PATIENCE.attempts);
    },
  );

  test('a server that never answers is given up at the deadline', async () => {
    server.fail({ how: hang() });
    const error = await fail(call(connect({ patience: { ...PATIENCE, deadlineMs: 30 } })));
    expect(error.code).toBe('clerk.unavailable');
    expect(error.message).toContain('no answer in time');
    expect(server.counts().requests).toBe(PATIENCE.attempts);
  });

  test('a slow answer is waited for', async () => {
    const expected = await call(connect());
    server.fail({ how: answerLate(100) });
    expect(await call(connect())).toEqual(expected);
  });

  test('no server at all is clerk.unavailable', async () => {
    const api = connect();
    await server.loseNetwork();
    const error = await fail(call(api));
    await server.restoreNetwork();
    expect(error.code).toBe('clerk.unavailable');
    expect(error.message).toContain('no connection');
  });

  test('a network that is lost in mid-request, and comes back, is found again', async () => {
    const api = connect({ patience: { ...PATIENCE, attempts: 100, longestPauseMs: 50 } });
    const expected = await call(api);
    const before = server.counts().requests;
    const end = server.fail({ how: hang() });
    const answer = call(api);
    await waitFor('the request to arrive', () => server.counts().requests > before);
    end();
    await server.loseNetwork();
    await server.restoreNetwork();
    expect(await answer).toEqual(expected);
  });

  test('a wrong key is clerk.unauthorized at once, with the cure', async () => {
    const error = await fail(call(connect({ secretKey: 'sk_test_wrong' })));
    expect(error).toMatchObject({ code: 'clerk.unauthorized', retryable: false, exitCode: 2 });
    expect(error.message).toContain('401: clerk_key_invalid');
    expect(error.message).toContain('CLERK_SECRET_KEY');
    expect(server.counts().requests).toBe(1);
  });

  test('a key without the right is clerk.unauthorized, too', async () => {
    server.fail({ how: failWith(403, { code: 'authorization_invalid' }) });
    expect((await fail(call(connect()))).code).toBe('clerk.unauthorized');
  });

  test('a feature that is switched off is not taken for a wrong key', async () => {
    server.fail({ how: failWith(403, { code: 'organization_not_enabled_in_instance' }) });
    const error = await fail(call(connect()));
    expect(error).toMatchObject({ code: 'clerk.disabled', retryable: false });
    expect(error.message).toContain('organization_not_enabled_in_instance');
  });

  test('the 404 of somebody else is an error, not an absence', async () => {
    server.fail({ how: answerHtml(404) });
    const error = await fail(call(connect()));
    expect(error.code).toBe('clerk.rejected');
    expect(error.message).toContain('CLERK_API_URL');
    expect(server.counts().requests).toBe(1);
  });

  test('a refusal is passed on at once, by code and parameter', async () => {
    server.fail({ how: failWith(422, { code: 'form_param_value_invalid' }), times: 1 });
    const error = await fail(call(connect()));
    expect(error).toMatchObject({ code: 'clerk.rejected', retryable: false, exitCode: 1 });
    expect(error.message).toContain('422: form_param_value_invalid');
    expect(server.counts().requests).toBe(1);
  });

  test('a 429 is waited out as long as it says: nothing is sent in vain', async () => {
    await server.stop();
    server = await startClerkApi({ size: { users: 3 }, limit: { requests: 1, windowMs: 900 } });
    const api = connect();
    const first = await call(api);
    expect(await call(api)).toEqual(first);
    expect(server.counts()).toMatchObject({ requests: 3, limited: 1 });
  });

  test('a limit that stays used up is given up', async () => {
    server.fail({ how: failWith(429, { headers: { 'retry-after': '0' } }) });
    const error = await fail(call(connect()));
    expect(error.code).toBe('clerk.unavailable');
    expect(error.message).toContain('429');
    expect(server.counts().requests).toBe(11);
  });

  test('an hour is not waited for', async () => {
    server.fail({ how: failWith(429, { headers: { 'retry-after': '3600' } }) });
    expect((await fail(call(connect()))).code).toBe('clerk.unavailable');
    expect(server.counts().requests).toBe(1);
  });

  test('an aborted signal ends it, whatever it waits for', async () => {
    const waits: [string, Break][] = [
      ['an answer', hang()],
      ['the end of a 429', failWith(429, { headers: { 'retry-after': '60' } })],
      ['the next try', failWith(503, { headers: { 'retry-after': '60' } })],
    ];
    for (const [what, how] of waits) {
      const stop = new AbortController();
      const end = server.fail({ how });
      const before = server.counts().requests;
      const result = call(connect({ signal: stop.signal })).catch((error: unknown) => error);
      await waitFor(`a request that makes it wait for ${what}`, () => {
        return server.counts().requests > before;
      });
      stop.abort(new Error(`stopped waiting for ${what}`));
      expect(await result).toEqual(new Error(`stopped waiting for ${what}`));
      end();
    }
  });

  test('no error holds the key, or what Clerk repeats of a person', async () => {
    const secret = server.secretKey;
    const errors = [await fail(call(connect({ secretKey: `${secret}x` })))];
    for (const how of [
      failWith(400),
      failWith(404),
      failWith(422),
      ...TROUBLE.map(([, it]) => it),
    ]) {
      const end = server.fail({ how });
      errors.push(await fail(call(connect({ patience: { ...PATIENCE, attempts: 1 } }))));
      end();
    }
    expect(errors).toHaveLength(4 + TROUBLE.length);
    for (const error of errors) {
      const all = inspect(error, { depth: Infinity, showHidden: true });
      expect(all).not.toContain(secret);
      expect(all).not.toContain('@example');
    }
  });
});

test.each(['sk_live_\nbroken', 'sk_live_ä', ''])(
  'a key that no header can carry is refused without being quoted (%j)',
  (secretKey) => {
    let error: unknown;
    try {
      connect({ secretKey });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'config.invalid' });
    if (secretKey) expect(inspect(error)).not.toContain(secretKey.slice(8));
  },
);

test.each(['', '/', '/v1', '/v1/'])('the API is found with "%s" after its URL', async (end) => {
  const api = connect({ apiUrl: server.url + end });
  expect(await api.countUsers()).toBe(3);
  expect(await api.findUser(firstId())).not.toBeNull();
});
