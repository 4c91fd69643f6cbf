/** What identifies a person in what Clerk sends: the id, and the addresses that are theirs alone. Pure. */
import { isRecord, type JsonRecord } from './record.js';
import { listTexts } from './texts.js';

export interface Person {
  userId: string;
  /** Addresses, phone numbers and wallets, in lower case. No names: others have them, too. */
  identifiers: ReadonlySet<string>;
}

/** A user's id as Clerk makes it. Nothing shorter can be looked for everywhere without finding others. */
export const USER_ID = /^user_\w{1,250}$/;

/** Where an address of the person that an object is about may stand, in Clerk's events and in our columns. */
const ADDRESS_KEYS = [
  'email',
  'email_address',
  'identifier',
  'phone',
  'phone_number',
  'to_email',
  'to_email_address',
  'to_phone',
  'to_phone_number',
  'web3_wallet',
] as const;
/** A user's lists, whose items do not say whose they are. */
const ADDRESS_LISTS = [
  'email_addresses',
  'phone_numbers',
  'web3_wallets',
  'external_accounts',
  'saml_accounts',
  'enterprise_accounts',
] as const;

/** `identifier` may also be a username, which can be anybody's first name. */
const EMAIL = /^[^\s@"<>]{1,250}@[^\s@"<>]{1,250}$/;
const PHONE = /^\+\d{7,15}$/;
const WALLET = /^[A-Za-z0-9]{26,64}$/;

/** The person's addresses, from every object in `value` that is about them. */
export function readIdentifiers(value: unknown, userId: string): Set<string> {
  const found = new Set<string>();
  const pending: unknown[] = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    if (Array.isArray(next)) for (const item of next) pending.push(item);
    if (!isRecord(next)) continue;
    for (const inner of Object.values(next)) {
      if (typeof inner === 'object') pending.push(inner);
    }
    if (!isAbout(next, userId)) continue;
    readAddresses(next, found);
    for (const key of ADDRESS_LISTS) {
      const list = next[key];
      if (Array.isArray(list)) for (const item of list) readAddresses(item, found);
    }
  }
  return found;
}

export function isAbout({ id, user_id }: JsonRecord, userId: string): boolean {
  return id === userId || user_id === userId;
}

/** Whether a text names the person, alone or among other words. */
export interface Recognition {
  byId: (text: string) => boolean;
  byIdentifier: (text: string) => boolean;
}

export function createRecognition({ userId, identifiers }: Person): Recognition {
  const id = new RegExp(`(?<!\\w)${userId}(?!\\w)`);
  const parts = [...identifiers].map(toPattern);
  const identifier = parts.length > 0 ? new RegExp(parts.join('|')) : undefined;
  return {
    byId: (text) => id.test(text),
    byIdentifier: (text) => identifier?.test(text.toLowerCase()) ?? false,
  };
}

export interface Mention {
  byId: boolean;
  byIdentifier: boolean;
}

/** How `value` names the person; null when it does not. */
export function findMention(value: unknown, recognition: Recognition): Mention | null {
  const mention = { byId: false, byIdentifier: false };
  for (const text of listTexts(value)) {
    mention.byId ||= recognition.byId(text);
    mention.byIdentifier ||= recognition.byIdentifier(text);
  }
  return mention.byId || mention.byIdentifier ? mention : null;
}

function readAddresses(holder: unknown, found: Set<string>): void {
  if (!isRecord(holder)) return;
  for (const key of ADDRESS_KEYS) {
    const value = holder[key];
    if (typeof value !== 'string') continue;
    const isWallet = key === 'web3_wallet' && WALLET.test(value);
    if (isWallet || EMAIL.test(value) || PHONE.test(value)) found.add(value.toLowerCase());
  }
}

/** Not in the middle of another's: `ann@example.com` stands neither in `joann@example.com` nor in `ann@example.com.au`. */
function toPattern(identifier: string): string {
  const literal = identifier.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return `(?<![\\w.+%-])${literal}(?!\\w|-\\w|\\.\\w)`;
}
