/** Finding, creating and changing users as the Backend API does. */
import { isRecord } from '../../../src/record.js';
import { deriveId } from '../../../src/clerk/samples/random.js';
import { Refusal } from './answers.js';
import { type Item, type JsonObject } from './collection.js';
import { type Identifier } from './identifiers.js';
import { type Instance } from './instance.js';

/** By the index, where the query names whom it wants; undefined: all must be looked at. */
export function findUsers(instance: Instance, query: URLSearchParams): Item[] | undefined {
  const { identifiers, collections } = instance;
  for (const name of ['user_id', 'external_id', 'email_address'] as const) {
    const values = query.getAll(name).map((value) => value.replace(/^\+/, ''));
    if (values.length === 0 || values.some((value) => value.startsWith('-'))) continue;
    const ids = values.map((value) => (name === 'user_id' ? value : identifiers.find(name, value)));
    return [...new Set(ids)].flatMap((id) => collections.users.get(id ?? '') ?? []);
  }
  return undefined;
}

const PARAMETERS = new Set([
  'external_id',
  'email_address',
  'username',
  'first_name',
  'last_name',
  'locale',
  'created_at',
  'password_digest',
  'password_hasher',
  'skip_password_requirement',
  'public_metadata',
  'private_metadata',
  'unsafe_metadata',
]);

/** `POST /users`. */
export function createUser(instance: Instance, body: JsonObject): JsonObject {
  const unknown = Object.keys(body).find((name) => !PARAMETERS.has(name));
  if (unknown !== undefined) throw refuse('form_param_unknown', unknown);
  const addresses = readAddresses(body);
  refusePassword(body);
  refuseTaken(instance, { ...body, email_address: addresses });
  const createdAt = body['created_at'];
  const emails = addresses.map(describeAddress);
  return instance.add('users', {
    external_id: body['external_id'] ?? null,
    username: body['username'] ?? null,
    first_name: body['first_name'] ?? null,
    last_name: body['last_name'] ?? null,
    locale: body['locale'] ?? null,
    public_metadata: body['public_metadata'] ?? {},
    private_metadata: body['private_metadata'] ?? {},
    unsafe_metadata: body['unsafe_metadata'] ?? {},
    email_addresses: emails,
    primary_email_address_id: emails[0]?.id ?? null,
    phone_numbers: [],
    primary_phone_number_id: null,
    external_accounts: [],
    password_enabled: body['password_digest'] !== undefined,
    last_sign_in_at: null,
    last_active_at: null,
    ...(typeof createdAt === 'string' && { created_at: Date.parse(createdAt) }),
  });
}

/** `PATCH` of a user's `metadata`: objects are merged at every depth, and a null removes its key. */
export function mergeMetadata(user: JsonObject, body: JsonObject): JsonObject {
  return Object.fromEntries(
    ['public_metadata', 'private_metadata', 'unsafe_metadata'].map((field) => [
      field,
      merge(user[field], body[field] ?? {}),
    ]),
  );
}

function merge(old: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged: JsonObject = isRecord(old) ? { ...old } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(merged, key);
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}

function readAddresses({ email_address: addresses }: JsonObject): string[] {
  const parameter = 'email_address';
  if (!Array.isArray(addresses) || addresses.length === 0) {
    throw refuse('form_data_missing', parameter, addresses);
  }
  const wrong = addresses.some((address) => !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(String(address)));
  if (wrong) throw refuse('form_param_format_invalid', parameter, addresses);
  return addresses.map(String);
}

function refusePassword(body: JsonObject): void {
  const { password_digest: digest, password_hasher: hasher } = body;
  if (digest === undefined) {
    if (body['skip_password_requirement'] === true) return;
    throw refuse('form_param_missing', 'password');
  }
  if (hasher === undefined) throw refuse('form_param_missing', 'password_hasher');
  if (hasher === 'bcrypt' && !isBcrypt(digest)) {
    throw refuse('form_password_digest_invalid', 'password_digest');
  }
}

function isBcrypt(digest: unknown): boolean {
  return typeof digest === 'string' && /^\$2[aby]\$\d\d\$.{53}$/.test(digest);
}

function refuseTaken({ identifiers }: Instance, body: JsonObject): void {
  for (const parameter of ['email_address', 'username', 'external_id'] satisfies Identifier[]) {
    const values = [body[parameter]].flat().filter((value) => typeof value === 'string');
    if (values.some((value) => identifiers.find(parameter, value) !== undefined)) {
      throw refuse('form_identifier_exists', parameter, values);
    }
  }
}

function describeAddress(address: string) {
  return {
    id: deriveId('idn', address),
    object: 'email_address',
    email_address: address,
    reserved: false,
    verification: {
      object: 'verification_admin',
      status: 'verified',
      strategy: 'admin',
      attempts: null,
      expire_at: null,
    },
    linked_to: [],
    matches_sso_connection: false,
    created_at: Date.now(),
    updated_at: Date.now(),
  };
}

/** As Clerk does, the sentence repeats what it was given: nobody may pass it on. */
function refuse(code: string, parameter: string, given?: unknown): Refusal {
  const message = `${parameter} is taken or invalid: ${JSON.stringify(given)}`;
  return new Refusal(422, { code, message, parameter });
}
