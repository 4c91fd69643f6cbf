/** Who may put something on the queue. Signatures are made here, by node:crypto, not by the code under test. */
import { createHmac } from 'node:crypto';
import { readEnvelope } from '../../src/clerk/event.js';
import { createVerifier, createSigner, type DistinctHeaders } from '../../src/clerk/signature.js';
import { isSyncError, messageOf } from '../../src/errors.js';

const KEY = Buffer.alloc(32, 7);
const OTHER_KEY = Buffer.alloc(32, 8);
const SECRET = `whsec_${KEY.toString('base64')}`;
const OTHER_SECRET = `whsec_${OTHER_KEY.toString('base64')}`;
const NOW_SECONDS = 1_768_478_400;
const BODY = '{"type":"user.created","data":{"first_name":"Zoë 😀"}}';
const ZEROS = `v1,${'A'.repeat(43)}=`;

const verify = createVerifier([SECRET]);

beforeEach(() => {
  import.meta.jest.useFakeTimers({ now: NOW_SECONDS * 1000 + 999, doNotFake: ['nextTick'] });
});
afterEach(() => {
  import.meta.jest.useRealTimers();
});

describe('accepts', () => {
  test("a delivery under Svix's names, and gives its id", () => {
    expect(verify(signed({ id: 'msg_1' }), Buffer.from(BODY)).id).toBe('msg_1');
  });

  test.each([1, 31, 33, 300])(
    'a body of %d kB, and gives its text and what it says',
    (kilobytes) => {
      const body = JSON.stringify({
        type: 'user.created',
        name: 'Zoë 😀'.repeat((kilobytes * 1024) / 9),
      });
      expect(verify(signed({ id: 'msg_1', body }), Buffer.from(body))).toEqual({
        id: 'msg_1',
        text: body,
        value: JSON.parse(body),
      });
    },
  );

  test('a delivery under the names of Standard Webhooks', () => {
    const headers = signed({ id: 'msg_1', family: 'webhook' });
    expect(verify(headers, Buffer.from(BODY)).id).toBe('msg_1');
  });

  test.each([
    ['the first', SECRET],
    ['the second', OTHER_SECRET],
  ])('a signature by %s of two secrets', (_which, secret) => {
    const key = secret === SECRET ? KEY : OTHER_KEY;
    const both = createVerifier([SECRET, OTHER_SECRET]);
    expect(both(signed({ key }), Buffer.from(BODY)).id).toBe('msg_1');
  });

  test.each([
    ['first', (good: string) => `${good} ${ZEROS}`],
    ['last', (good: string) => `${ZEROS} ${good}`],
    ['beside one of another scheme', (good: string) => `v1a,abc ${good} v2,xyz`],
    ['as the last of sixteen', (good: string) => `${`${ZEROS} `.repeat(15)}${good}`],
  ])('a header of several signatures that has the right one %s', (_where, toHeader) => {
    const headers = signed({});
    const header = toHeader(headers['svix-signature']?.[0] ?? '');
    expect(verify({ ...headers, 'svix-signature': [header] }, Buffer.from(BODY)).id).toBe('msg_1');
  });

  test('a delivery, and gives its text and what that says', () => {
    expect(verify(signed({ id: 'msg_1' }), Buffer.from(BODY))).toEqual({
      id: 'msg_1',
      text: BODY,
      value: JSON.parse(BODY),
    });
  });

  test.each([-300, -299, 0, 299, 300])('a timestamp %i seconds from now', (offset) => {
    expect(verify(signed({ seconds: NOW_SECONDS + offset }), Buffer.from(BODY)).id).toBe('msg_1');
  });

  test.each(['null', 'not JSON', '{', '[]', ' '])(
    'the verified body %j, which it is for readEnvelope to refuse',
    (body) => {
      const { id, value } = verify(signed({ body }), Buffer.from(body));
      expect(id).toBe('msg_1');
      expect(() => readEnvelope(value)).toThrow(expect.objectContaining({ status: 400 }));
    },
  );

  test.each(['msg_2Lh9KRb0pzN4LePd3XiA4v12Axj', 'a', '!~', 'x'.repeat(256)])('the id %j', (id) => {
    expect(verify(signed({ id }), Buffer.from(BODY)).id).toBe(id);
  });
});

describe('with headers of both families', () => {
  test("gives Svix's id, for it is the one that was verified", () => {
    const headers = { ...signed({ id: 'msg_s' }), ...signed({ id: 'msg_w', family: 'webhook' }) };
    expect(verify(headers, Buffer.from(BODY)).id).toBe('msg_s');
  });

  test("does not fall back on the other family when Svix's signature is wrong", () => {
    const headers = {
      ...signed({ id: 'msg_s', key: OTHER_KEY }),
      ...signed({ id: 'msg_w', family: 'webhook' }),
    };
    expect(refusal(headers)).toMatch(/does not match/);
  });

  test('never mixes them: an id of one and a signature of the other are two halves', () => {
    const { 'svix-id': id } = signed({ id: 'msg_1' });
    const { 'webhook-timestamp': time, 'webhook-signature': signature } = signed({
      id: 'msg_1',
      family: 'webhook',
    });
    const headers = { 'svix-id': id, 'webhook-timestamp': time, 'webhook-signature': signature };
    expect(refusal(headers)).toBe('Header svix-timestamp is missing.');
  });

  test('gives the id of the whole family, not that of the half one', () => {
    const headers = { 'svix-id': ['msg_s'], ...signed({ id: 'msg_w', family: 'webhook' }) };
    expect(verify(headers, Buffer.from(BODY)).id).toBe('msg_w');
  });
});

describe('refuses', () => {
  test.each(['id', 'timestamp', 'signature'])('a delivery without its %s, and names it', (part) => {
    const svix = `svix-${part}`;
    expect(refusal({ ...signed({}), [svix]: undefined })).toBe(`Header ${svix} is missing.`);
    expect(refusal({ ...signed({}), [svix]: [''] })).toBe(`Header ${svix} is missing.`);
    const webhook = `webhook-${part}`;
    const headers = { ...signed({ family: 'webhook' }), [webhook]: undefined };
    expect(refusal(headers)).toBe(`Header ${webhook} is missing.`);
  });

  test('a delivery without any of them', () => {
    expect(refusal({})).toBe('Header svix-id is missing.');
  });

  test.each(['id', 'timestamp', 'signature'])('a delivery with its %s twice', (part) => {
    for (const family of ['svix', 'webhook'] as const) {
      const name = `${family}-${part}`;
      const headers = signed({ family });
      const [value = ''] = headers[name] ?? [];
      const cause = `Header ${name} came more than once.`;
      expect(refusal({ ...headers, [name]: [value, value] })).toBe(cause);
      expect(refusal({ ...headers, [name]: [value, ''] })).toBe(cause);
    }
  });

  test.each([
    ['a space', 'msg 1'],
    ['a line break', 'msg_1\n'],
    ['a character beyond ASCII', 'msg_é'],
    ['257 characters', 'x'.repeat(257)],
  ])('an id with %s', (_what, id) => {
    expect(refusal(signed({ id }))).toBe('Header svix-id is not a message id.');
  });

  test.each([
    'now',
    '-1768478400',
    '1768478400.5',
    '1.768e9',
    '0x69',
    ' 1768478400',
    '1'.repeat(13),
  ])('the timestamp %j', (timestamp) => {
    const headers = { ...signed({}), 'svix-timestamp': [timestamp] };
    expect(refusal(headers)).toBe('Header svix-timestamp is not a time in seconds.');
  });

  test.each([-301, -86_400, 301, 86_400])('a timestamp %i seconds from now', (offset) => {
    expect(refusal(signed({ seconds: NOW_SECONDS + offset }))).toMatch(/more than 5 minutes off/);
  });

  test('a timestamp that is not the signed one', () => {
    const headers = { ...signed({}), 'svix-timestamp': [String(NOW_SECONDS + 1)] };
    expect(refusal(headers)).toMatch(/does not match/);
  });

  test('an id that is not the signed one', () => {
    expect(refusal({ ...signed({ id: 'msg_1' }), 'svix-id': ['msg_2'] })).toMatch(/does not match/);
  });

  test('a signature by another secret', () => {
    expect(refusal(signed({ key: OTHER_KEY }))).toMatch(/does not match/);
  });

  test('a body of which one byte changed', () => {
    expect(refusal(signed({}), Buffer.from(BODY.replace('user', 'usher')))).toMatch(/match/);
    expect(refusal(signed({}), Buffer.from(`${BODY}\n`))).toMatch(/does not match/);
  });

  test('more than sixteen signatures, though the right one is among them', () => {
    const headers = signed({});
    const header = `${headers['svix-signature']?.[0] ?? ''}${` ${ZEROS}`.repeat(16)}`;
    expect(refusal({ ...headers, 'svix-signature': [header] })).toBe(
      'Header svix-signature holds more than 16 signatures.',
    );
  });

  test('an empty body, though it is signed', () => {
    expect(refusal(signed({ body: '' }), Buffer.alloc(0))).toBe('The body is empty.');
  });

  test('bytes that are not UTF-8, though their decoding is signed', () => {
    const bytes = Buffer.from([0x7b, 0xff, 0x7d]);
    expect(refusal(signed({ body: bytes.toString('utf8') }), bytes)).toBe(
      'The body is not valid UTF-8.',
    );
    expect(refusal(signed({ bytes }), bytes)).toBe('The body is not valid UTF-8.');
  });

  test('everything, when there is no secret', () => {
    expect(refusal(signed({}), Buffer.from(BODY), createVerifier([]))).toMatch(/No signing secret/);
  });

  const digest = sign({ key: KEY, id: 'msg_1', seconds: NOW_SECONDS, payload: Buffer.from(BODY) });
  test.each([
    ['no version', digest],
    ['an empty version', `,${digest}`],
    ['the version of another scheme', `v1a,${digest}`],
    ['a version in capitals', `V1,${digest}`],
    ['an unknown version', `v2,${digest}`],
    ['a version and nothing else', 'v1'],
    ['a version and an empty signature', 'v1,'],
    ['commas', ',,,,'],
    ['spaces', '   '],
    ['a signature cut short', `v1,${digest.slice(0, -1)}`],
    ['a signature with something after it', `v1,${digest}x`],
    ['a signature in hexadecimal', `v1,${Buffer.from(digest, 'base64').toString('hex')}`],
    ['a signature of another case', `v1,${swapCase(digest)}`],
    ['44 characters beyond ASCII', `v1,${'é'.repeat(22)}`],
    ['a tab as separator', `${ZEROS}\tv1,${digest}`],
    ['an object', '[object Object]'],
    ['a very long one', `v1,${'A'.repeat(100_000)}`],
  ])('%s instead of a signature', (_what, header) => {
    expect(refusal({ ...signed({}), 'svix-signature': [header] })).toMatch(/does not match/);
  });
});

test('createSigner signs as Svix does', () => {
  const at = new Date(NOW_SECONDS * 1000 + 750);
  expect(createSigner(SECRET)('msg_1', BODY, at)).toEqual({
    'svix-id': 'msg_1',
    'svix-timestamp': String(NOW_SECONDS),
    'svix-signature': `v1,${sign({ key: KEY, id: 'msg_1', seconds: NOW_SECONDS, payload: Buffer.from(BODY) })}`,
  });
});

interface Signing {
  id?: string;
  key?: Buffer;
  seconds?: number;
  family?: 'svix' | 'webhook';
  body?: string;
  bytes?: Buffer;
}

/** Headers as Node's `headersDistinct` has them. */
function signed({
  id = 'msg_1',
  key = KEY,
  seconds = NOW_SECONDS,
  ...rest
}: Signing): DistinctHeaders {
  const { family = 'svix', body = BODY, bytes = Buffer.from(body) } = rest;
  return {
    [`${family}-id`]: [id],
    [`${family}-timestamp`]: [String(seconds)],
    [`${family}-signature`]: [`v1,${sign({ key, id, seconds, payload: bytes })}`],
  };
}

/** The scheme as Svix documents it: HMAC-SHA256 over `{id}.{timestamp}.{raw body}`, in base64. */
function sign({
  key,
  id,
  seconds,
  payload,
}: {
  key: Buffer;
  id: string;
  seconds: number;
  payload: Buffer;
}) {
  return createHmac('sha256', key).update(`${id}.${seconds}.`).update(payload).digest('base64');
}

/** The reason given, once it is sure that it is a 400 and holds neither secrets nor the signature that was expected. */
function refusal(headers: DistinctHeaders, body = Buffer.from(BODY), check = verify): string {
  const error = caught(() => check(headers, body));
  if (!isSyncError(error, 'webhook.rejected')) throw new Error(`not refused: ${messageOf(error)}`);
  expect(error.status).toBe(400);
  const shown = `${error.message} ${error.stack ?? ''} ${messageOf(error.cause)}`;
  const expected = sign({
    key: KEY,
    id: headers['svix-id']?.[0] ?? '',
    seconds: Number(headers['svix-timestamp']?.[0]),
    payload: body,
  });
  for (const secret of [SECRET.slice(6), OTHER_SECRET.slice(6), expected]) {
    expect(shown).not.toContain(secret);
  }
  return error.message;
}

function caught(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

function swapCase(text: string): string {
  return text.replace(/[a-z]/gi, (letter) =>
    letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
  );
}
