/** `user.*`: the longest object that Clerk sends. */
import type { UserDeletedJSON } from '@clerk/backend';
import { chanceOf, createdAtOf, type Draw, drawEntityId } from './draw.js';
import { buildIdentifiers } from './identifiers.js';
import { describePerson } from './people.js';
import { drawChance, drawDigits, drawIndex, drawOne } from './random.js';

export function buildUser(draw: Draw) {
  return describeUser(drawEntityId(draw, 'user'), draw);
}

export function buildDeletedUser(draw: Draw) {
  const id = drawEntityId(draw, 'user');
  const externalId = externalIdOf(id);
  return {
    object: 'user',
    id,
    deleted: true,
    ...(externalId && { external_id: externalId }),
  } satisfies UserDeletedJSON;
}

/** The user as of a version, updated at `at`. Others nest it: a session carries its user. */
export function describeUser(id: string, { at, version }: { at: number; version: number }) {
  const createdAt = createdAtOf(id, at);
  const person = describePerson(id, version);
  const random = chanceOf(id, 'account');
  const identifiers = buildIdentifiers({ userId: id, createdAt });
  const hasPassword = identifiers.external_accounts.length === 0;
  const hasTotp = drawChance(random, 0.15);
  const signedInAt = Math.max(createdAt, at - drawIndex(chanceOf(id, `visit ${version}`), HOUR_MS));
  return {
    id,
    object: 'user',
    external_id: externalIdOf(id),
    username: drawChance(random, 0.6) ? person.username : null,
    first_name: person.firstName,
    last_name: person.lastName,
    locale: drawChance(random, 0.5) ? person.locale : null,
    profile_image_url: person.imageUrl,
    image_url: person.imageUrl,
    has_image: drawChance(random, 0.5),
    ...identifiers,
    primary_web3_wallet_id: null,
    web3_wallets: [],
    passkeys: [],
    saml_accounts: [],
    enterprise_accounts: [],
    ...describeMetadata(id, version),
    password_enabled: hasPassword,
    password_last_updated_at: hasPassword ? createdAt : null,
    two_factor_enabled: hasTotp,
    totp_enabled: hasTotp,
    backup_code_enabled: hasTotp,
    mfa_enabled_at: hasTotp ? createdAt : null,
    mfa_disabled_at: null,
    last_sign_in_at: signedInAt,
    last_active_at: signedInAt,
    banned: false,
    locked: false,
    deprovisioned: false,
    lockout_expires_in_seconds: null,
    verification_attempts_remaining: 100,
    delete_self_enabled: true,
    create_organization_enabled: true,
    create_organizations_limit: null,
    legal_accepted_at: drawChance(random, 0.5) ? createdAt : null,
    created_at: createdAt,
    updated_at: at,
  };
}

function externalIdOf(id: string): string | null {
  const random = chanceOf(id, 'external_id');
  return drawChance(random, 0.2) ? `crm-${drawDigits(random, 6)}` : null;
}

function describeMetadata(id: string, version: number) {
  const lasting = chanceOf(id, 'metadata');
  const passing = chanceOf(id, `metadata ${version}`);
  const role = drawOne(lasting, [null, null, 'client', 'client', 'client', 'admin']);
  return {
    public_metadata: { ...(role && { role }), onboarding_step: version },
    private_metadata: drawChance(lasting, 0.4) ? { lead_score: drawIndex(passing, 1000) } : {},
    unsafe_metadata: drawChance(lasting, 0.4) ? { theme: drawOne(passing, ['light', 'dark']) } : {},
  };
}

const HOUR_MS = 3_600_000;
