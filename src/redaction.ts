/**
 * The one policy of what may be nowhere: one-time codes, message bodies, magic links, tickets, backup codes, nonces.
 * Works on parsed JSON, before the queue. Keys, not values, decide, so that a new place for an old secret is covered too.
 */
import { isRecord, type JsonRecord } from './record.js';

const FORBIDDEN_KEYS = [
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
] as const;
const FORBIDDEN_ANYWHERE: ReadonlySet<string> = new Set(FORBIDDEN_KEYS);

const MESSAGE = ['body', 'body_plain', 'data', 'message', 'subject'] as const;
const INVITATION = ['url', 'invitation.url'] as const;

/** Event families whose `data` holds more: an email's and an SMS's template variables carry the code, an invitation's URL its ticket. */
const FAMILY_PATHS = {
  email: MESSAGE,
  sms: MESSAGE,
  organizationInvitation: INVITATION,
  waitlistEntry: INVITATION,
} as const;
const FORBIDDEN_IN_DATA: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(FAMILY_PATHS),
);

/** Metadata is the application's own: its keys are not ours to judge, and a customer's `code` is not a one-time code. */
const METADATA_KEYS = ['public_metadata', 'private_metadata', 'unsafe_metadata'] as const;
const OWNED_BY_APPLICATION: ReadonlySet<string> = new Set(METADATA_KEYS);

/** The policy as types, for those who read what is left. */
export type ForbiddenKey = (typeof FORBIDDEN_KEYS)[number];
export type MetadataKey = (typeof METADATA_KEYS)[number];
/** What else is missing in the `data` of a family's events, as paths. */
export type ForbiddenPath<Family extends string> = Family extends keyof typeof FAMILY_PATHS
  ? (typeof FAMILY_PATHS)[Family][number]
  : never;

export interface RedactionPolicy {
  /** False drops `private_metadata` too (STORE_PRIVATE_METADATA). */
  storePrivateMetadata: boolean;
}

/**
 * Removes from a parsed envelope, in place, what may be nowhere.
 * @returns whether anything was removed. Iterative: an absurdly nested body cannot overflow the stack.
 */
export function redactEnvelope(
  envelope: JsonRecord,
  type: string,
  policy: RedactionPolicy,
): boolean {
  let removed = false;
  const drop = (holder: JsonRecord, key: string) => {
    removed = Reflect.deleteProperty(holder, key) || removed;
  };
  const family = type.split('.')[0] ?? '';
  for (const path of FORBIDDEN_IN_DATA.get(family) ?? []) {
    // Where nothing can be told apart, nothing may stay.
    if (!isRecord(envelope['data'])) drop(envelope, 'data');
    else dropPath(envelope['data'], path, drop);
  }
  const pending: unknown[] = [envelope];
  while (pending.length > 0) {
    const value = pending.pop();
    if (Array.isArray(value)) {
      for (const item of value) if (typeof item === 'object') pending.push(item);
    } else if (isRecord(value)) {
      // The text a wallet or passkey signs repeats its nonce, which may itself be left out.
      if ('message' in value && isSignature(value)) drop(value, 'message');
      for (const key of Object.keys(value)) {
        if (value[key] === null) continue; // says nothing, and keeps most bodies as they were signed
        if (FORBIDDEN_ANYWHERE.has(key)) drop(value, key);
        else if (key === 'private_metadata' && !policy.storePrivateMetadata) drop(value, key);
        else if (!OWNED_BY_APPLICATION.has(key) && typeof value[key] === 'object') {
          pending.push(value[key]);
        }
      }
    }
  }
  return removed;
}

/** A verification by wallet or passkey, or what looks like one. */
function isSignature({ nonce, object, strategy }: JsonRecord): boolean {
  const kind = `${String(object)} ${String(strategy)}`;
  return nonce !== undefined || /^verification_(?:web3|passkey) | (?:web3_|passkey)/.test(kind);
}

function dropPath(
  data: unknown,
  path: string,
  drop: (holder: JsonRecord, key: string) => void,
): void {
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let holder = data;
  for (const key of keys) holder = isRecord(holder) ? holder[key] : undefined;
  if (isRecord(holder) && last in holder) drop(holder, last);
}
