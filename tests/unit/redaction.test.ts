/** What may be nowhere: one-time codes, message bodies, magic links, tickets, backup codes, nonces, secrets. */
import { type EventType } from '../../src/clerk/event-types.js';
import { sampleEvent, sampleId, seededRandom } from '../../src/clerk/samples/index.js';
import { redactEnvelope } from '../../src/redaction.js';

const KEEP = { storePrivateMetadata: true };
const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);
/** Stands for anything that may be nowhere. */
const HOT = 'HOT-8f2a';

describe('a message', () => {
  test.each(SEEDS)(
    'email.created keeps who and when, and loses subject, body, code and link (%i)',
    (seed) => {
      const event = sample('email.created', seed);
      const { subject, body, body_plain: plain, data, ...rest } = structuredClone(event.data);
      expect(redact(event)).toBe(true);
      expect(event.data).toEqual(rest);
      const { otp_code: code, magic_link: link } = Object(data);
      expect(code ?? link).toEqual(expect.any(String));
      const left = JSON.stringify(event);
      for (const secret of [subject, body, plain, code ?? link]) {
        expect(left).not.toContain(JSON.stringify(secret).slice(1, -1));
      }
    },
  );

  test.each(SEEDS)('sms.created keeps who and when, and loses message and code (%i)', (seed) => {
    const event = sample('sms.created', seed);
    const { message, data, ...rest } = structuredClone(event.data);
    expect(redact(event)).toBe(true);
    expect(event.data).toEqual(rest);
    expect(message).toContain(Object(data).otp_code);
    expect(JSON.stringify(event)).not.toContain(Object(data).otp_code);
  });

  test('of a later kind, with the code in other variables, loses them all the same', () => {
    const data = { id: 'ema_1', slug: 'reset', data: { code: HOT, app: { reset_url: HOT } } };
    const event = { type: 'email.created', data };
    expect(redact(event)).toBe(true);
    expect(event.data).toEqual({ id: 'ema_1', slug: 'reset' });
  });
});

describe('an invitation', () => {
  test.each(['created', 'revoked', 'accepted'])(
    'organizationInvitation.%s loses the URL with its ticket, and nothing else',
    (action) => {
      const event = sample(`organizationInvitation.${action}` as EventType); // the three of them
      const url = `https://accounts.example.com/accept?__clerk_ticket=${HOT}`;
      const before = structuredClone(event.data);
      event.data['url'] = url;
      expect(redact(event)).toBe(true);
      const { url: _url, ...rest } = before;
      expect(event.data).toEqual(rest);
    },
  );

  test.each(['created', 'updated'])(
    'waitlistEntry.%s loses the URL of its invitation',
    (action) => {
      const event = sample(`waitlistEntry.${action}` as EventType); // both of them
      const url = `https://accounts.example.com/tickets?ticket=${HOT}`;
      event.data['invitation'] = { id: 'inv_1', status: 'pending', url };
      expect(redact(event)).toBe(true);
      expect(event.data['invitation']).toEqual({ id: 'inv_1', status: 'pending' });
      expect(event.data['email_address']).toEqual(expect.any(String));
    },
  );

  test('of a sample that was invited shows no ticket', () => {
    const events = SEEDS.map((seed) => sample('waitlistEntry.updated', seed));
    expect(JSON.stringify(events)).toContain('ticket=');
    for (const event of events) redact(event);
    expect(JSON.stringify(events)).not.toContain('ticket=');
  });
});

describe('a user', () => {
  const phone = { id: 'idn_1', phone_number: '+15551234567', reserved: false };
  const wallet = { id: 'idn_2', web3_wallet: '0xabc' };
  const passkey = { id: 'idn_3', name: 'Laptop' };
  const account = { id: 'eac_1', provider: 'oauth_google' };
  const verified = { status: 'verified', attempts: 1 };
  const nonced = { ...verified, nonce: HOT, message: `Sign in. Nonce: ${HOT}` };
  const oauth = {
    ...verified,
    external_verification_redirect_url: `https://idp.example.com/${HOT}`,
  };
  /** Field of a user, what Clerk sends in it, what is left. */
  const places: [string, string, unknown, unknown][] = [
    ['backup codes', 'phone_numbers', { ...phone, backup_codes: [HOT, HOT] }, phone],
    [
      'the nonce of a wallet',
      'web3_wallets',
      { ...wallet, verification: nonced },
      { ...wallet, verification: verified },
    ],
    [
      'the nonce of a passkey',
      'passkeys',
      { ...passkey, verification: nonced },
      { ...passkey, verification: verified },
    ],
    [
      'an OAuth redirect',
      'external_accounts',
      { ...account, verification: oauth },
      { ...account, verification: verified },
    ],
    [
      'a SAML redirect',
      'saml_accounts',
      { ...account, verification: oauth },
      { ...account, verification: verified },
    ],
    [
      'an enterprise redirect',
      'enterprise_accounts',
      { ...account, verification: oauth },
      { ...account, verification: verified },
    ],
    [
      'a verification ticket',
      'email_addresses',
      { id: 'idn_4', verification: { ...verified, ticket: HOT } },
      { id: 'idn_4', verification: verified },
    ],
    [
      'a one-time code',
      'email_addresses',
      { id: 'idn_4', verification: { ...verified, otp_code: HOT } },
      { id: 'idn_4', verification: verified },
    ],
  ];

  test.each(places)('loses %s (%s), and nothing else', (_what, field, sent, left) => {
    const clean = sample('user.updated');
    const event = sample('user.updated');
    clean.data[field] = [structuredClone(left)];
    event.data[field] = [structuredClone(sent)];
    redact(clean);
    expect(redact(event)).toBe(true);
    expect(event).toEqual(clean);
    expect(JSON.stringify(event)).not.toContain(HOT);
  });

  test.each(places)('that a session carries loses %s (%s), too', (_what, field, sent) => {
    const event = sample('session.created');
    Object(event.data['user'])[field] = [structuredClone(sent)];
    expect(redact(event)).toBe(true);
    expect(JSON.stringify(event)).not.toContain(HOT);
  });

  test('keeps a null where a secret could stand, so that the body stays as it was signed', () => {
    const event = { type: 'user.updated', data: { id: 'user_1', backup_codes: null, nonce: null } };
    expect(redact(event)).toBe(false);
  });

  test.each([
    'backup_codes',
    'external_verification_redirect_url',
    'magic_link',
    'nonce',
    'otp',
    'otp_code',
    'password',
    'password_digest',
    'secret',
    'ticket',
    'token',
    'totp_secret',
  ])('loses %s wherever it stands, whatever it holds', (key) => {
    for (const held of [HOT, [HOT], { a: HOT }, 7, true, '']) {
      const event: Record<string, unknown> = {
        type: 'user.updated',
        [key]: held,
        data: { id: 'user_1', [key]: held, list: [[{ deeper: [{ [key]: held }] }]] },
        event_attributes: { [key]: held, http_request: { client_ip: '203.0.113.7' } },
      };
      expect(redact(event)).toBe(true);
      expect(event).toEqual({
        type: 'user.updated',
        data: { id: 'user_1', list: [[{ deeper: [{}] }]] },
        event_attributes: { http_request: { client_ip: '203.0.113.7' } },
      });
    }
  });

  test('keeps the flags that only sound alike', () => {
    const data = {
      id: 'user_1',
      password_enabled: true,
      password_last_updated_at: 5,
      totp_enabled: true,
      backup_code_enabled: true,
      message: 'not beside a nonce',
      url: 'https://example.com',
      subject: 's',
      body: 'b',
      verification: { strategy: 'ticket', status: 'verified' },
    };
    const event = { type: 'user.updated', data };
    const before = structuredClone(event);
    expect(redact(event)).toBe(false);
    expect(event).toEqual(before);
  });
});

describe("metadata is the application's own", () => {
  const own = {
    code: '1234',
    token: 'abc',
    ticket: 'T-1',
    nested: { secret: [{ otp: 1 }], url: 'u' },
  };

  test.each(['public_metadata', 'private_metadata', 'unsafe_metadata'])(
    '%s is left alone, whatever its keys are called, at any depth of the event',
    (field) => {
      for (const type of [
        'user.updated',
        'organization.created',
        'session.created',
        'email.created',
      ]) {
        const event = { type, data: { id: 'x_1', [field]: own, user: { [field]: own } } };
        expect(redact(event)).toBe(false);
        expect(event.data).toEqual({ id: 'x_1', [field]: own, user: { [field]: own } });
      }
    },
  );

  test('private_metadata is dropped on request, wherever Clerk puts it', () => {
    const event = {
      type: 'organizationMembership.created',
      data: {
        id: 'orgmem_1',
        private_metadata: own,
        public_metadata: { private_metadata: 'the name of a key of theirs' },
        organization: { id: 'org_1', private_metadata: {}, public_metadata: own },
      },
    };
    expect(redactEnvelope(event, event.type, { storePrivateMetadata: false })).toBe(true);
    expect(event.data).toEqual({
      id: 'orgmem_1',
      public_metadata: { private_metadata: 'the name of a key of theirs' },
      organization: { id: 'org_1', public_metadata: own },
    });
  });
});

describe('odd events', () => {
  test.each([
    undefined,
    null,
    7,
    'text',
    [],
    [{ token: HOT }],
    { invitation: 7 },
    { invitation: [] },
  ])('data that is %j is no obstacle', (data) => {
    for (const type of ['email.created', 'sms.created', 'waitlistEntry.updated', 'user.created']) {
      const event = { type, data: structuredClone(data) };
      redact(event);
      expect(JSON.stringify(event)).not.toContain(HOT);
    }
  });

  test.each(['constructor', '__proto__.created', 'toString.created', 'hasOwnProperty', '', '.'])(
    'the type %j is like any unknown one',
    (type) => {
      const event = { type, data: { id: 'x_1', token: HOT, url: 'kept' } };
      expect(redact(event)).toBe(true);
      expect(event.data).toEqual({ id: 'x_1', url: 'kept' });
    },
  );

  test('a __proto__ key hides nothing', () => {
    const event = JSON.parse(`{"type":"user.created","data":{"__proto__":{"token":"${HOT}"}}}`);
    expect(redact(event)).toBe(true);
    expect(JSON.stringify(event)).toBe('{"type":"user.created","data":{"__proto__":{}}}');
  });

  test.each([
    ['arrays', '[', ']'],
    ['objects', '{"a":', '}'],
  ])('10,000 %s deep, a forbidden key is still found', (_what, open, close) => {
    const deep = `${open.repeat(10_000)}{"token":"${HOT}","kept":1}${close.repeat(10_000)}`;
    const event = JSON.parse(`{"type":"user.updated","data":${deep}}`);
    expect(redact(event)).toBe(true);
    let innermost = event.data;
    while (!('kept' in innermost)) innermost = innermost[0] ?? innermost.a;
    expect(innermost).toEqual({ kept: 1 });
  });
});

function sample(type: EventType, seed = 1) {
  const random = seededRandom(seed);
  return sampleEvent(type, {
    random,
    entityId: sampleId('any', random),
    now: Date.UTC(2026, 0, 15),
  });
}

function redact(event: { type?: unknown }): boolean {
  return redactEnvelope(event, String(event.type), KEEP);
}
