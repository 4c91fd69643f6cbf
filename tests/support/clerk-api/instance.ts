/** What one Clerk instance holds, and what happens in it: each change tells the webhook event that Clerk would send. */
import { type EventType } from '../../../src/clerk/event-types.js';
import { seededRandom } from '../../../src/clerk/samples/index.js';
import { createCollection, type JsonObject } from './collection.js';
import { makeMemberships, makeUsers } from './crowd.js';
import { createIdentifierIndex, type IdentifierIndex } from './identifiers.js';
import { eventsOf, type Kind } from './kinds.js';
import { type Collections, describeDeletion, itemOf, makeObject, showText } from './objects.js';

/** The envelope of a webhook. */
export interface InstanceEvent {
  type: EventType;
  object: 'event';
  /** In ms. */
  timestamp: number;
  instance_id: string;
  data: JsonObject;
}

/** How many of each are there from the start. Memberships need users and organizations; sessions are added. */
export type Size = Partial<Record<Exclude<Kind, 'sessions'>, number>>;

export interface InstanceOptions {
  id: string;
  isLive: boolean;
  /** The same seed makes the same ids, names and times. */
  seed: string;
  size: Size;
  onEvent: (event: InstanceEvent) => void;
}

export interface Parents {
  userId?: string;
  organizationId?: string;
}

export interface Instance {
  readonly id: string;
  readonly isLive: boolean;
  readonly collections: Collections;
  readonly identifiers: IdentifierIndex;
  /** The object as the Backend API shows it. */
  read: (kind: Kind, id: string) => JsonObject | undefined;
  /** Every object, oldest first. */
  readAll: (kind: Kind) => JsonObject[];
  /** A made-up object, with `fields` in place of its own. */
  add: (kind: Kind, fields?: JsonObject, parents?: Parents) => JsonObject;
  /** Bumps `updated_at`. */
  update: (kind: Kind, id: string, fields: JsonObject) => JsonObject;
  /** Takes along what hangs on it, of which no event tells. */
  remove: (kind: Kind, id: string) => void;
}

export function createInstance({ id, isLive, seed, size, onEvent }: InstanceOptions): Instance {
  const collections = fillCollections(seed, size);
  const identifiers = createIdentifierIndex(collections.users);
  const random = seededRandom(`${seed}/later`);
  let latestMs = 0;
  const tick = () => (latestMs = Math.max(latestMs + 1, Date.now()));
  const read = (kind: Kind, itemId: string) => {
    const item = collections[kind].get(itemId);
    return item && (JSON.parse(showText(collections, kind, item)) as JsonObject); // text of an object
  };
  const mustRead = (kind: Kind, itemId: string) => {
    const object = read(kind, itemId);
    if (!object) throw new Error(`There is no ${itemId} among the ${kind}.`);
    return object;
  };
  const put = (kind: Kind, object: JsonObject) => {
    const item = itemOf(object);
    collections[kind].put(item);
    if (kind === 'users') identifiers.refresh(item.id);
    return mustRead(kind, item.id);
  };
  const tell = (type: EventType | undefined, kind: Kind, object: JsonObject) => {
    const user = read('users', String(object['user_id'])) ?? null;
    const data = kind === 'sessions' ? { ...object, user } : object;
    if (type) onEvent({ type, object: 'event', timestamp: latestMs, instance_id: id, data });
  };
  return {
    id,
    isLive,
    collections,
    identifiers,
    read,
    readAll: (kind) => collections[kind].slice(0, Infinity).map((item) => mustRead(kind, item.id)),
    add: (kind, fields = {}, parents = {}) => {
      const at = tick();
      const made = makeObject(kind, { random, now: at, ...parents });
      const object = put(kind, { ...made, created_at: at, updated_at: at, ...fields });
      tell(eventsOf(kind).created, kind, object);
      return object;
    },
    update: (kind, itemId, fields) => {
      const object = put(kind, { ...mustRead(kind, itemId), ...fields, updated_at: tick() });
      tell(eventsOf(kind).updated(object['status']), kind, object);
      return object;
    },
    remove: (kind, itemId) => {
      const { deleted, isDeletedWhole } = eventsOf(kind);
      const object = mustRead(kind, itemId);
      for (const child of CASCADE) {
        for (const item of collections[child].childrenOf(itemId)) {
          collections[child].remove(item.id);
        }
      }
      collections[kind].remove(itemId);
      identifiers.refresh(itemId);
      tick();
      tell(deleted, kind, isDeletedWhole ? object : describeDeletion(object));
    },
  };
}

const CASCADE = [
  'organization_memberships',
  'organization_invitations',
  'organization_domains',
  'sessions',
] as const;

/** Later than every time that a sample draws for a creation. */
const SAMPLES_AT_MS = Date.UTC(2024, 0, 1);

function fillCollections(seed: string, size: Size): Collections {
  const users = makeUsers(`${seed}/users`, size.users ?? 0);
  const makeSamples = (kind: Exclude<Kind, 'sessions'>, organizationIds: string[] = []) => {
    const random = seededRandom(`${seed}/${kind}`);
    return Array.from({ length: size[kind] ?? 0 }, (_, n) => {
      const organizationId = organizationIds[n % organizationIds.length];
      const parents = organizationId === undefined ? {} : { organizationId };
      return itemOf(makeObject(kind, { random, now: SAMPLES_AT_MS, ...parents }));
    });
  };
  const organizations = makeSamples('organizations');
  const organizationIds = organizations.map(({ id }) => id);
  const count = size.organization_memberships ?? 0;
  const memberships = makeMemberships(`${seed}/memberships`, { count, users, organizations });
  const samples = (kind: Exclude<Kind, 'sessions'>) =>
    createCollection(makeSamples(kind, organizationIds));
  return {
    users: createCollection(users),
    organizations: createCollection(organizations),
    organization_memberships: createCollection(memberships),
    organization_invitations: samples('organization_invitations'),
    organization_domains: samples('organization_domains'),
    organization_roles: samples('organization_roles'),
    organization_permissions: samples('organization_permissions'),
    waitlist_entries: samples('waitlist_entries'),
    sessions: createCollection(),
  };
}
