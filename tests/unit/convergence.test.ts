/**
 * Once all events are in, in any order and multiplicity, the tables equal "newest version of each entity", and what was
 * deleted never comes back. Deliveries go through the pure path (parse, project, decide); the tables are maps in here.
 */
import fc from 'fast-check';
import { type Outcome } from '../../src/db/ledger.js';
import { decide, nameOf, type Decision, type Known } from '../../src/projections/decide.js';
import { type ProjectionPolicy } from '../../src/projections/fact.js';
import { prepareEvent } from '../../src/projections/prepare.js';

const RUNS = 2_000;
const EPOCH = Date.UTC(2026, 0, 1);
const POLICY: ProjectionPolicy = {
  instanceId: undefined,
  mirrored: undefined,
  defaultRole: 'client',
  allowedRoles: undefined,
};

/** Every membership with its organization and its user. */
const MEMBERSHIPS = {
  orgmem_1: ['org_1', 'user_1'],
  orgmem_2: ['org_1', 'user_2'],
  orgmem_3: ['org_2', 'user_1'],
  orgmem_4: ['org_2', 'user_2'],
} as const;

/** An envelope as Clerk sends it, and its svix-id. `mark` is what tells one state of an entity from another. */
interface ClerkMessage {
  id: string;
  type: string;
  timestamp: number;
  data: {
    id: string;
    mark: string;
    updated_at?: number;
    organization?: { id: string; updated_at?: number; mark: string };
    public_user_data?: { user_id: string };
  };
}

describe('whatever the order, the batches and the repetitions', () => {
  test('the tables equal the newest version of each entity', () => {
    fc.assert(
      fc.property(deliveries(), ({ messages, batches, remembers }) => {
        const tables = openTables({ remembers });
        for (const batch of batches) tables.apply(batch);
        expect(tables.read()).toEqual(expectedTables(messages));
      }),
      { numRuns: RUNS },
    );
  });

  test('another pass over all events changes nothing', () => {
    fc.assert(
      fc.property(deliveries(), ({ messages, batches }) => {
        const tables = openTables({ remembers: false });
        for (const batch of batches) tables.apply(batch);
        const before = tables.read();
        tables.apply(messages);
        for (const message of messages) tables.apply([message]);
        expect(tables.read()).toEqual(before);
      }),
      { numRuns: RUNS / 4 },
    );
  });
});

/** The model: looks only at the set of messages. */
function expectedTables(messages: readonly ClerkMessage[]) {
  const deleted = new Set<string>();
  const rows = new Map<string, { rank: (number | string)[]; mark: string | null }>();
  const offer = (id: string, rank: (number | string)[], mark: string | null) => {
    const current = rows.get(id);
    if (!current || isAbove(rank, current.rank)) rows.set(id, { rank, mark });
  };
  for (const { id: svixId, type, timestamp, data } of messages) {
    const { organization, public_user_data: user } = data;
    if (type.endsWith('.deleted')) deleted.add(data.id);
    else offer(data.id, [data.updated_at || timestamp, timestamp, svixId], data.mark);
    if (user) offer(user.user_id, [], null);
    if (organization?.updated_at)
      offer(organization.id, [organization.updated_at, 0, ''], organization.mark);
    else if (organization) offer(organization.id, [], null);
  }
  const isGone = (id: string) =>
    deleted.has(id) || parentsOf(id).some((parent) => deleted.has(parent));
  const left = [...rows].filter(([id]) => !isGone(id)).map(([id, { mark }]) => [id, mark]);
  return { rows: Object.fromEntries(left), tombstones: [...deleted].sort() };
}

function isAbove(a: (number | string)[], b: (number | string)[]): boolean {
  const index = a.findIndex((part, i) => part !== b[i]);
  const [mine, other] = [a[index], b[index]];
  return mine !== undefined && (other === undefined || mine > other);
}

/** Does to maps what the transaction does to tables. */
function openTables({ remembers }: { remembers: boolean }) {
  const rows = new Map<string, string | null>();
  const versions = new Map<string, Known & { id: string }>();
  const settled = new Set<string>();

  const write = ({ deletions, mentions, rows: newRows }: Decision) => {
    for (const { key } of deletions.values()) {
      for (const child of rows.keys()) {
        if (!parentsOf(child).includes(key.entityId)) continue;
        rows.delete(child);
        versions.delete(nameOf({ entityType: 'organization_membership', entityId: child }));
      }
      rows.delete(key.entityId);
    }
    for (const { entityId } of mentions.values()) {
      if (!rows.has(entityId)) rows.set(entityId, null);
    }
    for (const { row } of newRows.values()) rows.set(row.id, markOf(row.data));
    for (const { key, version } of newRows.values()) {
      versions.set(nameOf(key), { id: key.entityId, version, deleted: false });
    }
    for (const { key, version } of deletions.values()) {
      versions.set(nameOf(key), { id: key.entityId, version, deleted: true });
    }
    for (const parent of [...rows.keys()].flatMap(parentsOf)) {
      if (!rows.has(parent)) throw new Error(`A foreign key to ${parent} would have failed.`);
    }
  };
  const remember = (outcomes: ReadonlyMap<string, Outcome>) => {
    for (const [id, outcome] of outcomes) {
      if (outcome === 'applied' || outcome === 'stale') settled.add(id);
    }
  };
  return {
    apply(batch: readonly ClerkMessage[]) {
      const once = [...new Map(batch.map((message) => [message.id, message])).values()];
      const fresh = once.filter(({ id }) => !remembers || !settled.has(id));
      const decision = decide(fresh.map(toFacts), versions);
      expect([...decision.outcomes.keys()].sort()).toEqual(fresh.map(({ id }) => id).sort());
      write(decision);
      remember(decision.outcomes);
    },
    read: () => ({
      rows: Object.fromEntries(rows),
      tombstones: [...versions.values()]
        .filter((known) => known.deleted)
        .map(({ id }) => id)
        .sort(),
    }),
  };
}

function toFacts({ id, ...envelope }: ClerkMessage) {
  const delivery = { id, body: JSON.stringify(envelope), receivedAt: EPOCH };
  const { facts, entry } = prepareEvent(delivery, POLICY);
  if (!facts) throw new Error(`The event was not understood: ${entry.error ?? ''}`);
  return { id, facts };
}

function markOf(data: unknown): string {
  return Object(data).mark;
}

function parentsOf(id: string): readonly string[] {
  return Object.entries(MEMBERSHIPS).find(([membership]) => membership === id)?.[1] ?? [];
}

/** A short history of few entities with few distinct times, so that ties, cascades and repetitions are the rule. */
function deliveries() {
  return fc.array(message(), { minLength: 1, maxLength: 14 }).chain((drafts) => {
    const messages = drafts.map((make, index) => make(`msg_${index}`));
    return fc
      .array(fc.constantFrom(...messages), { maxLength: 6 })
      .chain((repeated) => {
        const all = [...messages, ...repeated];
        return fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length });
      })
      .chain((order) =>
        fc.record({
          messages: fc.constant(messages),
          batches: fc
            .array(fc.boolean(), { minLength: order.length, maxLength: order.length })
            .map((cuts) => cutInto(order, cuts)),
          remembers: fc.boolean(),
        }),
      );
  });
}

function cutInto<T>(items: readonly T[], cuts: readonly boolean[]): T[][] {
  const batches: T[][] = [[]];
  items.forEach((item, index) => {
    if (cuts[index]) batches.push([]);
    batches.at(-1)?.push(item);
  });
  return batches;
}

function message() {
  const time = fc.integer({ min: 1, max: 4 }).map((step) => EPOCH + step * 1000);
  const objectTime = fc.oneof(
    { weight: 5, arbitrary: time },
    fc.constant(0),
    fc.constant(undefined),
  );
  return fc
    .record({
      entity: fc.constantFrom('user_1', 'user_2', 'org_1', 'org_2', ...Object.keys(MEMBERSHIPS)),
      action: fc.constantFrom('created', 'updated', 'updated', 'deleted'),
      timestamp: time,
      updatedAt: objectTime,
      nestedUpdatedAt: objectTime,
      isPlain: fc.boolean(),
    })
    .map(
      ({ entity, action, timestamp, updatedAt, nestedUpdatedAt, isPlain }) =>
        (id: string): ClerkMessage => {
          const [organizationId, userId] = parentsOf(entity);
          const carriesParents = organizationId && userId && !(action === 'deleted' && isPlain);
          return {
            id,
            type: `${FAMILIES[entity.split('_')[0] ?? '']}.${action}`,
            timestamp,
            data: {
              id: entity,
              mark: id,
              ...(updatedAt !== undefined && { updated_at: updatedAt }),
              ...(carriesParents && {
                organization: nestOrganization(organizationId, nestedUpdatedAt),
                public_user_data: { user_id: userId },
              }),
            },
          };
        },
    );
}

/** Clerk's copies of one organization with one `updated_at` are alike. */
function nestOrganization(id: string, updatedAt: number | undefined) {
  const mark = `${id} as of ${updatedAt ?? 'never'}`;
  return { id, mark, ...(updatedAt !== undefined && { updated_at: updatedAt }) };
}

const FAMILIES: Record<string, string> = {
  user: 'user',
  org: 'organization',
  orgmem: 'organizationMembership',
};
