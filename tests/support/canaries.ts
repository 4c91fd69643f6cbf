/** Events with canaries in every place where Clerk may put what may be nowhere (hot), and what may be stored but not shown (personal). */
import { randomBytes, randomInt } from 'node:crypto';
import { EVENT_TYPES, type EventType } from '../../src/clerk/event-types.js';
import { sampleEvent, sampleId } from '../../src/clerk/samples/index.js';
import { newMessageId } from './clerk.js';

export interface Canaries {
  /** Remembers a text that is a canary already. */
  know: (what: string, text: string) => string;
  plant: (what: string) => string;
  /** Where which of them sing. */
  findIn: (places: Record<string, readonly string[]>) => string[];
}

export interface PlantedEvent {
  id: string;
  body: string;
  isRefused: boolean;
}

interface Tiers {
  hot: Canaries;
  personal: Canaries;
}
type Json = Record<string, unknown>;

export function createCanaries(tier: string): Canaries {
  const known: { what: string; text: string }[] = [];
  const know = (what: string, text: string) => {
    known.push({ what, text });
    return text;
  };
  return {
    know,
    plant: (what) => know(what, `${tier}${randomBytes(8).toString('hex')}`),
    findIn: (places) =>
      Object.entries(places).flatMap(([place, texts]) => {
        const all = texts.join('\n').toLowerCase();
        return known
          .filter(({ text }) => all.includes(text.toLowerCase()))
          .map(({ what }) => `${what} in ${place}`);
      }),
  };
}

/** One event of each type, and some of types that nobody knows yet. All of them are taken. */
export function makeEvents(tiers: Tiers): PlantedEvent[] {
  const known = EVENT_TYPES.map((type) => makeEvent(type, tiers));
  const unknown = ['magicLink.created', 'email.delivered', 'sms.delivered'].map((type) => {
    const { hot, personal } = tiers;
    return toPlanted({
      type,
      data: {
        id: sampleId('new'),
        to: personal.plant(`${type} recipient`),
        nested: [{ token: hot.plant(`${type} token`), ticket: hot.plant(`${type} ticket`) }],
        otp_code: hot.plant(`${type} code`),
        ...(type !== 'magicLink.created' && writeMessage(type, tiers)),
      },
    });
  });
  return [...known, ...unknown];
}

/** `reason` says to the test's own trigger how to refuse the user. */
export function makeRefusedUser(
  reason: string,
  { tiers, isRefused = true, data = {} }: { tiers: Tiers; isRefused?: boolean; data?: Json },
): PlantedEvent {
  return makeEvent('user.updated', tiers, { isRefused, data: { external_id: reason, ...data } });
}

/** What can never be applied. */
export function makePoison(tiers: Tiers): PlantedEvent[] {
  const { hot, personal } = tiers;
  const nest = (depth: number) =>
    JSON.parse(`${'['.repeat(depth)}"${personal.plant('depth')}"${']'.repeat(depth)}`) as unknown;
  const data = (type: EventType): Json => makeData(type, tiers);
  const bodies: Json[] = [
    { type: 'user.created', data: personal.plant('data that is text') },
    { type: 'user.deleted', data: { deleted: true, first_name: personal.plant('a first name') } },
    {
      type: 'user.created',
      data: { ...data('user.created'), id: { at: personal.plant('an id') } },
    },
    { type: 'session.created', data: { ...data('session.created'), user_id: null } },
    { type: 'email.created', data: hot.plant('a message that is text') },
    { type: 'sms.created', data: [{ message: hot.plant('a message in a list') }] },
    { type: 'user.created', data: { ...data('user.created'), unsafe_metadata: nest(300) } },
  ];
  const poison = bodies.map((body) => toPlanted(body, true));
  // Too deep to be written again: built as text.
  const deep = JSON.stringify({
    type: 'user.created',
    data: { ...data('user.created'), x: 'DEEP' },
  });
  const nested = `${'['.repeat(20_000)}"${hot.plant('a code in the depth')}"${']'.repeat(20_000)}`;
  return [...poison, { id: newMessageId(), body: deep.replace('"DEEP"', nested), isRefused: true }];
}

/** Bodies that are no events. */
export function makeUnacceptable({ hot, personal }: Tiers): string[] {
  const text = `${hot.plant('a code in no JSON')} ${personal.plant('a name in no JSON')}`;
  return [text, `{"data":"${text}"}`, `["${text}"]`, `{"type":{"x":"${text}"}}`];
}

function makeEvent(
  type: EventType,
  tiers: Tiers,
  { isRefused = false, data = {} }: { isRefused?: boolean; data?: Json } = {},
): PlantedEvent {
  const event = sampleEvent(type);
  const request = {
    client_ip: plantAddress(`${type} client_ip`, tiers.personal),
    user_agent: tiers.personal.plant(`${type} user agent`),
  };
  const planted = { ...event, event_attributes: { http_request: request } };
  return toPlanted({ ...planted, data: { ...makeData(type, tiers), ...data } }, isRefused);
}

function toPlanted(event: Json, isRefused = false): PlantedEvent {
  return { id: newMessageId(), body: JSON.stringify(event), isRefused };
}

function makeData(type: EventType, tiers: Tiers): Json {
  const { data } = sampleEvent(type);
  const { personal } = tiers;
  switch (type.split('.')[0] ?? '') {
    case 'user':
      return { ...data, ...describeUser(type, tiers) };
    case 'session': {
      const nested = Object(data['user']) as Json; // a sample's session has its user
      const activity = {
        ip_address: plantAddress(`${type} ip_address`, personal),
        city: personal.plant(`${type} city`),
      };
      const user = { ...nested, ...describeUser(`${type} user`, tiers) };
      return { ...data, latest_activity: activity, user };
    }
    case 'email':
    case 'sms':
      return { ...data, ...writeMessage(type, tiers) };
    case 'organizationInvitation':
    case 'waitlistEntry':
      return { ...data, ...describeInvitation(type, tiers) };
    default:
      return { ...data, ...describeOthers(type, tiers) };
  }
}

function describeUser(of: string, { hot, personal }: Tiers): Json {
  const proof = (what: string, strategy: string) => ({
    status: 'verified',
    strategy,
    nonce: hot.plant(`${of} ${what} nonce`),
    message: hot.plant(`${of} ${what} message`),
  });
  const account = (what: string) => ({
    email_address: plantEmail(`${of} ${what}`, personal),
    first_name: personal.plant(`${of} ${what} name`),
    verification: {
      external_verification_redirect_url: `https://example.com/?t=${hot.plant(`${of} ${what} redirect`)}`,
      error: { code: 'taken', long_message: personal.plant(`${of} ${what} error`) },
    },
  });
  // A signed message without its nonce still repeats it.
  const { nonce: _nonce, ...bare } = proof('bare wallet', 'web3_solana_signature');
  return {
    email_addresses: [{ id: 'idn_1', email_address: plantEmail(of, personal) }],
    primary_email_address_id: 'idn_1',
    phone_numbers: [
      {
        id: 'idn_2',
        phone_number: plantNumber(`${of} phone`, personal, '+1555'),
        backup_codes: [hot.plant(`${of} backup code`), hot.plant(`${of} other backup code`)],
      },
    ],
    primary_phone_number_id: 'idn_2',
    passkeys: [
      {
        object: 'passkey',
        verification: { object: 'verification_passkey', ...proof('passkey', 'passkey') },
      },
    ],
    web3_wallets: [
      {
        web3_wallet: personal.plant(`${of} wallet`),
        verification: {
          object: 'verification_web3',
          ...proof('wallet', 'web3_metamask_signature'),
        },
      },
      { verification: { object: 'verification_web3', ...bare } },
    ],
    external_accounts: [account('external account')],
    saml_accounts: [account('saml account')],
    enterprise_accounts: [account('enterprise account')],
    backup_codes: [hot.plant(`${of} own backup code`)],
    first_name: personal.plant(`${of} first name`),
    last_name: personal.plant(`${of} last name`),
    username: personal.plant(`${of} username`),
    public_metadata: { salary: Number(plantNumber(`${of} number in metadata`, personal)) },
    private_metadata: { [personal.plant(`${of} metadata key`)]: 1 },
    unsafe_metadata: { list: [{ note: personal.plant(`${of} metadata`) }] },
  };
}

function writeMessage(of: string, { hot, personal }: Tiers): Json {
  return {
    subject: hot.plant(`${of} subject`),
    body: hot.plant(`${of} body`),
    body_plain: hot.plant(`${of} plain body`),
    message: hot.plant(`${of} message`),
    data: {
      otp_code: hot.plant(`${of} code`),
      magic_link: `https://example.com/?token=${hot.plant(`${of} link`)}`,
      app: { reset: hot.plant(`${of} nested link`) },
    },
    to_email_address: plantEmail(`${of} recipient`, personal),
    to_phone_number: plantNumber(`${of} recipient`, personal, '+1555'),
  };
}

function describeInvitation(of: string, { hot, personal }: Tiers): Json {
  const url = (what: string) => `https://example.com/?__clerk_ticket=${hot.plant(`${of} ${what}`)}`;
  return {
    email_address: plantEmail(`${of} address`, personal),
    url: url('url'),
    invitation: {
      id: sampleId('inv'),
      email_address: plantEmail(`${of} nested address`, personal),
      url: url('nested url'),
    },
    ticket: hot.plant(`${of} ticket`),
    public_inviter_data: { first_name: personal.plant(`${of} inviter`) },
    public_metadata: { note: personal.plant(`${of} public metadata`) },
    private_metadata: { note: personal.plant(`${of} private metadata`) },
  };
}

function describeOthers(of: string, { personal }: Tiers): Json {
  return {
    affiliation_email_address: plantEmail(`${of} affiliation`, personal),
    payer: {
      first_name: personal.plant(`${of} payer`),
      email: plantEmail(`${of} payer`, personal),
    },
    public_metadata: { note: personal.plant(`${of} public metadata`) },
    private_metadata: { note: personal.plant(`${of} private metadata`) },
  };
}

function plantEmail(what: string, personal: Canaries): string {
  return `${personal.plant(`${what} email`)}@example.com`;
}

function plantAddress(what: string, personal: Canaries): string {
  return personal.know(
    what,
    `2001:db8:${randomBytes(8)
      .toString('hex')
      .replace(/(.{4})(?!$)/g, '$1:')}`,
  );
}

function plantNumber(what: string, personal: Canaries, prefix = ''): string {
  return personal.know(what, `${prefix}${randomInt(1e12, 9e12)}`);
}
