/** Random histories of users and organizations that share memberships, and what the tables say of them. */
import { randomInt } from 'node:crypto';
import { type TestDatabase } from './database.js';
import { type ModelEvent, type ModelTables } from './model.js';

export interface HistorySize {
  users: number;
  organizations: number;
  memberships: number;
  /** Of users, organizations and memberships, one in so many is deleted. */
  deletedOneIn?: number;
  /** Where organizations are to live longer: their deletion takes all their memberships along. */
  organizationsDeletedOneIn?: number;
  /** Keeps the entities of one history apart from those of another. */
  prefix?: string;
}

const START = Date.UTC(2026, 0, 1);

/** Three versions of each user and organization, two of each membership; some memberships name parents that have no event. */
export function makeHistory({
  prefix = '',
  deletedOneIn = 3,
  organizationsDeletedOneIn = deletedOneIn,
  ...size
}: HistorySize): ModelEvent[] {
  const events: ModelEvent[] = [];
  const add = (type: string, timestamp: number, data: ModelEvent['data']) =>
    events.push({ type, timestamp, data });
  const isDeleted = (n: number) => n % deletedOneIn === 0;
  for (let n = 0; n < size.users; n++) {
    const id = `user_${prefix}${n}`;
    for (const [version, type] of ['user.created', 'user.updated', 'user.updated'].entries()) {
      const time = at(version);
      add(type, time, { id, updated_at: time, first_name: `${id} v${version}` });
    }
    if (isDeleted(n)) add('user.deleted', at(randomInt(4)), { id });
  }
  for (let n = 0; n < size.organizations; n++) {
    const id = `org_${prefix}${n}`;
    for (const version of [0, 1, 2]) {
      const time = at(version);
      const type = version ? 'organization.updated' : 'organization.created';
      add(type, time, { id, updated_at: time, name: `${id} v${version}` });
    }
    if (n % organizationsDeletedOneIn === 0) add('organization.deleted', at(3), { id });
  }
  for (let n = 0; n < size.memberships; n++) {
    const shared = {
      id: `orgmem_${prefix}${n}`,
      organization: nestedOrganization(`org_${prefix}${randomInt(size.organizations + 2)}`),
      public_user_data: { user_id: `user_${prefix}${randomInt(size.users + 5)}` },
    };
    for (const version of [0, 1]) {
      const time = at(version);
      const type = `organizationMembership.${version ? 'updated' : 'created'}`;
      add(type, time, { ...shared, updated_at: time, role: `v${version}` });
    }
    if (isDeleted(n)) add('organizationMembership.deleted', at(2), shared);
  }
  return events;
}

export function shuffle<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}

/** The tables in the shape of the model's. */
export async function readTables({ query }: Pick<TestDatabase, 'query'>): Promise<ModelTables> {
  const read = async (sql: string) => {
    const rows = await query<{ id: string; v: string }>(sql);
    return new Map(rows.map(({ id, v }) => [id, v]));
  };
  return {
    users: await read('SELECT id, first_name AS v FROM clerk.users'),
    organizations: await read('SELECT id, name AS v FROM clerk.organizations'),
    memberships: await read('SELECT id, role AS v FROM clerk.organization_memberships'),
  };
}

function at(version: number): number {
  return START + version * 1000 + randomInt(900);
}

function nestedOrganization(id: string) {
  const updatedAt = at(randomInt(4));
  return { id, name: `${id} as of ${updatedAt}`, updated_at: updatedAt };
}
