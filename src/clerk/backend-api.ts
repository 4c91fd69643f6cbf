/** Clerk's Backend API as this project needs it: paced, patient, and in raw JSON, which is what webhooks carry. */
import { type ClerkClient } from '@clerk/backend';
import { type JsonRecord } from '../record.js';
import { readCount, readObject, readPage, readRaw } from './api-answers.js';
import { type ApiEntityName, findObject, listObjects, type Sought } from './api-entities.js';
import { isAbsence } from './api-failure.js';
import { type ApiPage, PAGE_SIZE, type PageCursor } from './api-pages.js';
import { openTransport, type Transport, type TransportOptions } from './api-transport.js';

/**
 * Throws SyncError: `clerk.unauthorized` (wrong key), `clerk.disabled` (a feature that the instance has switched off), `clerk.rejected` (a
 * request that Clerk does not take), `clerk.unavailable` (no usable answer, after several tries). An aborted signal ends each with its reason.
 */
export interface ClerkApi {
  /** Null when Clerk says that there is no such user. */
  findUser: (id: string) => Promise<JsonRecord | null>;
  /** Null when Clerk says that there is no such object. */
  find: (entity: ApiEntityName, sought: Sought) => Promise<JsonRecord | null>;
  /** The users whose external id, or one of whose addresses, is among the values. */
  findUsersBy: (field: UserField, values: readonly string[]) => Promise<JsonRecord[]>;
  /** Every object, oldest first, from the beginning or after a cursor. `api-pages.ts` says what holds while the list changes. */
  listPages: (entity: ApiEntityName, after?: PageCursor) => AsyncGenerator<ApiPage>;
  countUsers: () => Promise<number>;
  /** The instance that the key belongs to; the id is the one of a webhook's `instance_id`. */
  readInstance: () => Promise<{ id: string; environment: string }>;
  /** After a lost answer it is sent again only if nobody has the external id. @returns the new user. */
  createUser: (user: NewUser) => Promise<JsonRecord>;
  /** Deeply; a null removes its key. @returns the user, or null when there is none. */
  mergePublicMetadata: (userId: string, patch: JsonRecord) => Promise<JsonRecord | null>;
}

export type UserField = 'external_id' | 'email_address';

export interface NewUser {
  externalId: string;
  /** The first becomes the primary one. All count as verified. */
  emailAddresses: string[];
  firstName?: string;
  lastName?: string;
  username?: string;
  publicMetadata?: JsonRecord;
  createdAt?: Date;
  /** `hasher` as Clerk names it, such as `bcrypt`. Without a password the user signs in by other means. */
  password?: { digest: string; hasher: string };
}

export function createClerkApi(options: TransportOptions): ClerkApi {
  const transport = openTransport(options);
  const { ask, create } = transport;
  return {
    findUser: (id) => findObject(transport, 'users', { id }),
    find: (entity, sought) => findObject(transport, entity, sought),
    findUsersBy: (field, values) => findUsersBy(transport, field, values),
    listPages: (entity, after) => listObjects(transport, entity, after),
    countUsers: () => ask(async ({ users }) => readCount(await users.getCount())),
    readInstance: () =>
      ask(async ({ instance }) => {
        const { id, environmentType } = await instance.get();
        return { id: readObject({ id })['id'] as string, environment: environmentType };
      }),
    createUser: (user) =>
      create(
        async ({ users }) => readRaw(await users.createUser(describeNewUser(user))),
        async () => (await findUsersBy(transport, 'external_id', [user.externalId]))[0] ?? null,
      ),
    mergePublicMetadata: async (userId, publicMetadata) => {
      const id = encodeURIComponent(userId);
      try {
        return await ask(async ({ users }) =>
          readRaw(await users.updateUserMetadata(id, { publicMetadata })),
        );
      } catch (error) {
        if (isAbsence(error)) return null;
        throw error;
      }
    },
  };
}

/** Clerk takes a hundred; half of that keeps the longest ids within the length that every proxy lets a URL have. */
const VALUES_PER_REQUEST = 50;

async function findUsersBy(
  { get }: Transport,
  field: UserField,
  values: readonly string[],
): Promise<JsonRecord[]> {
  // An empty value would lift the filter.
  const wanted = values.filter(Boolean).map((value) => {
    // A leading - would exclude, so each begins with the + that includes.
    return field === 'external_id' ? `+${value}` : value;
  });
  const found: JsonRecord[] = [];
  for (let start = 0; start < wanted.length; start += VALUES_PER_REQUEST) {
    const some = wanted.slice(start, start + VALUES_PER_REQUEST);
    const query = { [field]: some, limit: String(PAGE_SIZE) };
    found.push(...(await get('/users', query, readPage)).items);
  }
  return found;
}

type CreateUserParams = Parameters<ClerkClient['users']['createUser']>[0];
type Password = Extract<CreateUserParams, { passwordHasher: unknown }>;

function describeNewUser({ emailAddresses, password, ...user }: NewUser): CreateUserParams {
  const secret = password
    ? {
        passwordDigest: password.digest,
        passwordHasher: password.hasher as Password['passwordHasher'], // Clerk judges it
      }
    : { skipPasswordRequirement: true };
  return { ...user, emailAddress: emailAddresses, ...secret };
}
