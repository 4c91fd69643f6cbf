/** A user's identifiers: addresses, phone numbers and the accounts elsewhere that vouch for them. */
import { chanceOf } from './draw.js';
import { describePerson, type Person } from './people.js';
import { deriveId, drawChance, drawDigits, drawOne } from './random.js';

export interface Owner {
  userId: string;
  createdAt: number;
}

export function buildIdentifiers(owner: Owner) {
  const random = chanceOf(owner.userId, 'identifiers');
  const person = describePerson(owner.userId);
  const provider = drawChance(random, 0.3) ? drawOne(random, PROVIDERS) : null;
  const external = provider ? buildExternalAccount(owner, person, provider) : null;
  const emails = [buildEmail(owner, person.email, external)];
  if (drawChance(random, 0.25)) emails.push(buildEmail(owner, person.secondEmail, null));
  const phones = drawChance(random, 0.3) ? [buildPhone(owner, person.phone)] : [];
  return {
    email_addresses: emails,
    phone_numbers: phones,
    external_accounts: external ? [external] : [],
    primary_email_address_id: emails[0]?.id ?? null,
    primary_phone_number_id: phones[0]?.id ?? null,
  };
}

const PROVIDERS = ['oauth_google', 'oauth_github', 'oauth_microsoft'] as const;

type ExternalAccount = ReturnType<typeof buildExternalAccount>;

function buildEmail(owner: Owner, address: string, external: ExternalAccount | null) {
  return {
    id: deriveId('idn', `${owner.userId}/${address}`),
    object: 'email_address',
    email_address: address,
    reserved: false,
    verification: external
      ? { ...VERIFIED, object: 'verification_from_oauth', strategy: external.provider }
      : { ...VERIFIED, object: 'verification_otp', strategy: 'email_code', attempts: 1 },
    linked_to: external ? [{ type: external.provider, id: external.id }] : [],
    matches_sso_connection: false,
    created_at: owner.createdAt,
    updated_at: owner.createdAt,
  };
}

function buildPhone(owner: Owner, number: string) {
  return {
    id: deriveId('idn', `${owner.userId}/${number}`),
    object: 'phone_number',
    phone_number: number,
    reserved_for_second_factor: false,
    default_second_factor: false,
    reserved: false,
    verification: { ...VERIFIED, object: 'verification_otp', strategy: 'phone_code', attempts: 1 },
    linked_to: [],
    backup_codes: null,
    created_at: owner.createdAt,
    updated_at: owner.createdAt,
  };
}

function buildExternalAccount(owner: Owner, person: Person, provider: (typeof PROVIDERS)[number]) {
  return {
    object: provider === 'oauth_google' ? 'google_account' : 'external_account',
    id: deriveId('eac', owner.userId),
    provider,
    identification_id: deriveId('idn', `${owner.userId}/${provider}`),
    provider_user_id: drawDigits(chanceOf(owner.userId, provider), 21),
    approved_scopes: 'email profile',
    email_address: person.email,
    email_address_verified: true,
    // Unlike the user's own, these names are never null in Clerk's schema.
    first_name: person.firstName ?? '',
    last_name: person.lastName ?? '',
    image_url: person.imageUrl,
    username: provider === 'oauth_github' ? person.username : null,
    phone_number: null,
    public_metadata: {},
    label: null,
    created_at: owner.createdAt,
    updated_at: owner.createdAt,
    verification: {
      ...VERIFIED,
      object: 'verification_oauth',
      strategy: provider,
      expire_at: owner.createdAt + TEN_MINUTES_MS,
    },
  };
}

const TEN_MINUTES_MS = 600_000;
const VERIFIED = { status: 'verified', attempts: null, expire_at: null } as const;
