import {
  collectHidden,
  MASK,
  maskStack,
  maskText,
  maskValue,
  maskWord,
} from '../../src/masking.js';
import { EVENT_TYPES } from '../../src/clerk/event-types.js';
import { createCanaries, makeEvents } from '../support/canaries.js';

describe('a value', () => {
  test('keeps its structure, ids, kinds, states and times, and nothing else', () => {
    expect(
      maskValue({
        type: 'user.updated',
        timestamp: 1716905000000,
        data: {
          id: 'user_1',
          object: 'user',
          first_name: 'Ada',
          banned: false,
          last_name: null,
          updated_at: 1716905000001,
          failed_attempts: 7,
          phone: 15551234567,
          email_addresses: [{ id: 'idn_1', email_address: 'ada@example.com' }, 'ada@example.com'],
          role: 'org:admin',
        },
      }),
    ).toEqual({
      type: 'user.updated',
      timestamp: 1716905000000,
      data: {
        id: 'user_1',
        object: 'user',
        first_name: MASK,
        banned: false,
        last_name: null,
        updated_at: 1716905000001,
        failed_attempts: MASK,
        phone: MASK,
        email_addresses: [{ id: 'idn_1', email_address: MASK }, MASK],
        role: 'org:admin',
      },
    });
  });

  test.each([
    ['an address', { id: 'ada@example.com' }],
    ['a number with a plus', { user_id: '+15551234567' }],
    ['a sentence', { status: 'lives in Paris' }],
    ['an id of somebody else’s choice', { external_id: 'ada' }],
    ['metadata under any name', { public_metadata: 'ada', scim_user_metadata: { ada: 1 } }],
    ['an address as a key', { votes: { 'ada@example.com': true } }],
  ])('shows %s under no key', (_what, value) => {
    expect(JSON.stringify(maskValue(value))).not.toMatch(/ada@|1555|Paris|"ada"/);
  });

  test('of absurd depth is masked where it gets too deep', () => {
    const deep = JSON.parse(`${'['.repeat(5_000)}"ada"${']'.repeat(5_000)}`) as unknown;
    expect(JSON.stringify(maskValue(deep))).toBe(`${'['.repeat(12)}"${MASK}"${']'.repeat(12)}`);
  });

  test.each(EVENT_TYPES)('%s shows nothing personal of what Clerk sends, and its type', (type) => {
    const [hot, personal] = [createCanaries('hot'), createCanaries('pii')];
    const event = makeEvents({ hot, personal }).find(({ body }) => body.includes(`"${type}"`));
    const shown = maskValue(JSON.parse(event?.body ?? ''));
    expect(shown).toMatchObject({ type });
    const places = { 'what is shown': [JSON.stringify(shown)] };
    expect([...hot.findIn(places), ...personal.findIn(places)]).toEqual([]);
  });
});

test.each([
  ['user.created', 'user.created'],
  ['organizationMembership.updated', 'organizationMembership.updated'],
  ['ada@example.com', MASK],
  ['Ada Lovelace', MASK],
  ['', ''],
])('the word %j is shown as %s', (word, shown) => {
  expect(maskWord(word)).toBe(shown);
});

describe('a text', () => {
  test.each([
    'duplicate key value violates unique constraint "users_email_key" (SQLSTATE 23505)',
    'The event is nested too deeply to be stored.',
    "The database refused the event in words that are not Postgres's own and may quote it: only Postgres's log shows them (SQLSTATE P0001)",
    'job stalled more than allowable limit',
    "Cannot read properties of undefined (reading 'email_address')",
  ])('of our own stays readable: %s', (text) => {
    expect(maskText(text, new Set())).toBe(text);
  });

  test.each([
    ['an address', 'no ada@example.com here'],
    ['a phone number', 'no +1 (555) 123-4567 here'],
    ['digits', 'no 15551234567 here'],
    ['an IPv4 address', 'no 203.0.113.7 here'],
    ['an IPv6 address', 'no 2001:db8::7 here'],
    ['a link', 'no https://example.com/?ticket=1 here'],
    ['what stands in double quotes', 'no "Ada" here'],
    ['what stands in single quotes', "no 'Ada' here"],
  ])('loses %s', (_what, text) => {
    expect(maskText(text, new Set())).toBe(`no ${MASK} here`);
  });

  test('loses what its own event has masked, in any case, and in metadata even the keys', () => {
    const hidden = collectHidden({
      data: {
        id: 'user_1',
        first_name: 'Ada (L.)',
        last_name: 'İnce',
        public_metadata: { salary: 4200, Nickname: [{ deep: 'Countess' }] },
      },
    });
    const text = 'user_1: ada (l.) İnce earns 4200, nickname COUNTESS';
    expect(maskText(text, hidden)).toBe(`user_1: ${MASK} ${MASK} earns ${MASK}, ${MASK} ${MASK}`);
    expect(maskText(`a ${MASK} b`, collectHidden({ name: MASK }))).toBe(`a ${MASK} b`);
  });
});

test('a stack trace is its message, masked, and the frames', () => {
  const stack = `Error: no user ada@example.com
called Ada
    at openUser (file:///srv/app/src/users.ts:12:5)
    at ada@example.com
    at async Worker.run (/srv/app/node_modules/@scope/worker.js:1:2)
  row: Ada`;
  expect(maskStack(stack, new Set(['ada']))).toBe(`Error: no user ${MASK}
called ${MASK}
    at openUser (file:///srv/app/src/users.ts:12:5)
    at async Worker.run (/srv/app/node_modules/@scope/worker.js:1:2)`);
});
