/** What Clerk's Backend API lists across an instance, under the names that the tables have here, and how one of each is looked up. */
import { SyncError } from '../errors.js';
import { type JsonRecord } from '../record.js';
import { readObject, readPage, readRaw } from './api-answers.js';
import { isAbsence } from './api-failure.js';
import {
  type ApiPage,
  type AskPage,
  PAGE_SIZE,
  type PageCursor,
  walkByCursor,
  walkByOffset,
} from './api-pages.js';
import { type Transport } from './api-transport.js';

/** What is known here of an object that may or may not be in Clerk. */
export interface Sought {
  id: string;
  /** Memberships, invitations and domains are not found without it. */
  organizationId?: string | null;
  /** Memberships are not found without it. */
  userId?: string | null;
}

interface List {
  path: string;
  query?: Record<string, string>;
}

interface ApiEntity {
  list: List;
  /** Null, or a refusal with an absence behind it, when Clerk has none. */
  find: (transport: Transport, sought: Sought) => Promise<JsonRecord | null>;
}

/** Parents first. */
export const API_ENTITIES = {
  users: {
    list: { path: '/users' },
    find: ({ ask }, { id }) =>
      ask(async ({ users }) => readRaw(await users.getUser(encodeURIComponent(id)))),
  },
  organizations: {
    // Webhooks bring the count unasked.
    list: { path: '/organizations', query: { include_members_count: 'true' } },
    find: ({ ask }, { id }) => {
      const params = { organizationId: encodeURIComponent(id), includeMembersCount: true };
      return ask(async ({ organizations }) => readRaw(await organizations.getOrganization(params)));
    },
  },
  organization_memberships: {
    list: { path: '/organization_memberships' },
    find: (transport, { id, organizationId, userId }) => {
      const path = `/organizations/${encodeURIComponent(need(organizationId))}/memberships`;
      return findInList(transport, id, { path, query: { user_id: need(userId) } });
    },
  },
  organization_invitations: {
    list: { path: '/organization_invitations' },
    find: ({ ask }, { id, organizationId }) => {
      const params = {
        organizationId: encodeURIComponent(need(organizationId)),
        invitationId: encodeURIComponent(id),
      };
      return ask(async ({ organizations }) =>
        readRaw(await organizations.getOrganizationInvitation(params)),
      );
    },
  },
  organization_domains: {
    list: { path: '/organization_domains' },
    find: (transport, { id, organizationId }) => {
      const query = { organization_id: need(organizationId) };
      return findInList(transport, id, { path: '/organization_domains', query });
    },
  },
  roles: {
    list: { path: '/organization_roles' },
    find: ({ get }, { id }) => get(`/organization_roles/${encodeURIComponent(id)}`, {}, readObject),
  },
  permissions: {
    list: { path: '/organization_permissions' },
    find: ({ get }, { id }) =>
      get(`/organization_permissions/${encodeURIComponent(id)}`, {}, readObject),
  },
  waitlist_entries: {
    list: { path: '/waitlist_entries' },
    find: (transport, { id }) =>
      findInList(transport, id, { path: '/waitlist_entries', query: { query: id } }),
  },
} as const satisfies Record<string, ApiEntity>;

export type ApiEntityName = keyof typeof API_ENTITIES;

/** @returns null when Clerk says that there is no such object. */
export async function findObject(
  transport: Transport,
  entity: ApiEntityName,
  sought: Sought,
): Promise<JsonRecord | null> {
  const { find }: ApiEntity = API_ENTITIES[entity];
  try {
    return await find(transport, sought);
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

/** Every object, oldest first. */
export function listObjects(
  transport: Transport,
  entity: ApiEntityName,
  after?: PageCursor,
): AsyncGenerator<ApiPage> {
  const { list }: ApiEntity = API_ENTITIES[entity];
  const ask = askPages(transport, list);
  if (entity !== 'users') return walkByOffset(ask, after);
  const exists = async (id: string) => (await findObject(transport, entity, { id })) !== null;
  return walkByCursor(ask, exists, after);
}

async function findInList(transport: Transport, id: string, list: List) {
  for await (const { items } of walkByOffset(askPages(transport, list))) {
    const found = items.find((item) => item['id'] === id);
    if (found) return found;
  }
  return null;
}

function askPages({ get }: Transport, { path, query }: List): AskPage {
  const order = { order_by: '+created_at', limit: String(PAGE_SIZE) };
  return (place) => get(path, { ...query, ...order, ...place }, readPage);
}

function need(parentId: string | null | undefined): string {
  if (parentId) return parentId;
  throw new SyncError(
    'work.failed',
    'Clerk finds this object only through its parents, and they are not known here.',
  );
}
