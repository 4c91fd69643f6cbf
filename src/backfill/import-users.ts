/** Creates a team's own users in Clerk, each linked by `external_id`. Run again it goes on: whoever is linked already is skipped. */
import { type ClerkApi, type NewUser } from '../clerk/backend-api.js';
import { isSyncError } from '../errors.js';
import { isRecord, type JsonRecord } from '../record.js';
import { type OwnUser, type Refused } from './read-users-file.js';

export interface ImportOptions {
  api: ClerkApi;
  users: AsyncIterable<OwnUser | Refused>;
  /** USER_ROLES; undefined: any. */
  roles: readonly string[] | undefined;
  /** False: Clerk is only asked who is there. */
  isApplied: boolean;
  onRefused: (refused: Refused) => void;
  onProgress: (result: ImportResult) => void;
}

export interface ImportResult {
  read: number;
  /** Created, or to be created. */
  created: number;
  /** Linked already. */
  skipped: number;
  refused: number;
}

/** As many as one question to Clerk can ask for. */
const CHUNK = 50;

/** @throws SyncError `clerk.unauthorized` or `clerk.unavailable`; what Clerk refuses of one user is that user's refusal. */
export async function importUsers(options: ImportOptions): Promise<ImportResult> {
  const result: ImportResult = { read: 0, created: 0, skipped: 0, refused: 0 };
  const seen = { ids: new Set<string>(), emails: new Set<string>() };
  const refuse = (refused: Refused) => {
    result.refused++;
    options.onRefused(refused);
  };
  let chunk: OwnUser[] = [];
  const flush = async () => {
    await importChunk(options, chunk, { result, refuse });
    chunk = [];
    options.onProgress(result);
  };
  for await (const user of options.users) {
    result.read++;
    const reason = 'reason' in user ? user.reason : findProblem(user, seen, options.roles);
    if ('reason' in user || reason !== null)
      refuse({ line: user.line, ...idOf(user), reason: reason ?? '' });
    else if (chunk.push(user) === CHUNK) await flush();
  }
  await flush();
  return result;
}

function idOf({ id }: { id?: string }): { id?: string } {
  return id === undefined ? {} : { id };
}

function findProblem(
  { id, email, role }: OwnUser,
  seen: { ids: Set<string>; emails: Set<string> },
  roles: readonly string[] | undefined,
): string | null {
  const address = email.toLowerCase();
  if (seen.ids.has(id)) return 'has the id of an earlier line';
  if (seen.emails.has(address)) return 'has the email address of an earlier line';
  seen.ids.add(id);
  seen.emails.add(address);
  if (role !== undefined && roles && !roles.includes(role)) {
    return `has a role that is none of USER_ROLES (${roles.join(', ')})`;
  }
  return null;
}

interface Sink {
  result: ImportResult;
  refuse: (refused: Refused) => void;
}

async function importChunk(
  { api, isApplied }: ImportOptions,
  users: readonly OwnUser[],
  { result, refuse }: Sink,
): Promise<void> {
  if (users.length === 0) return;
  const linked = await api.findUsersBy(
    'external_id',
    users.map(({ id }) => id),
  );
  const linkedIds = new Set(linked.map((user) => user['external_id']));
  const unlinked = users.filter(({ id }) => !linkedIds.has(id));
  result.skipped += users.length - unlinked.length;
  const taken = await findTaken(api, unlinked);
  for (const user of unlinked) {
    const { line, id } = user;
    if (taken.has(user.email.toLowerCase())) {
      refuse({ line, id, reason: 'has an email address that another user in Clerk has' });
      continue;
    }
    try {
      if (isApplied) await api.createUser(toNewUser(user));
      result.created++;
    } catch (error) {
      if (!isSyncError(error, 'clerk.rejected')) throw error;
      refuse({ line, id, reason: error.message });
    }
  }
}

async function findTaken(api: ClerkApi, users: readonly OwnUser[]): Promise<Set<string>> {
  if (users.length === 0) return new Set();
  const found = await api.findUsersBy(
    'email_address',
    users.map(({ email }) => email),
  );
  return new Set(found.flatMap(listAddresses));
}

function listAddresses({ email_addresses: addresses }: JsonRecord): string[] {
  if (!Array.isArray(addresses)) return [];
  return addresses.flatMap((item: unknown) => {
    const address = isRecord(item) ? item['email_address'] : undefined;
    return typeof address === 'string' ? [address.toLowerCase()] : [];
  });
}

function toNewUser({ id, email, role, line: _line, ...user }: OwnUser): NewUser {
  return {
    ...user,
    externalId: id,
    emailAddresses: [email],
    ...(role === undefined ? {} : { publicMetadata: { role } }),
  };
}
