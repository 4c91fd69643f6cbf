/** Random histories of a few related entities, with few distinct times, so that ties, cascades and repetitions are the rule. */
import fc from 'fast-check';
import { type ModelEvent, type ModelObject } from './model.js';

/** An envelope as Clerk sends it, and its svix-id. */
export interface Message extends ModelEvent {
  id: string;
}

export interface History {
  messages: Message[];
  /** Every message at least once, in any order, cut anywhere. */
  batches: Message[][];
}

/** Each entity with those it belongs to. `#` stands for the history's own number: `numbered` puts it in. */
const ENTITIES: Record<string, { user?: string; organization?: string }> = {
  'user_#1': {},
  'user_#2': {},
  'org_#1': {},
  'org_#2': {},
  'orgmem_#1': { organization: 'org_#1', user: 'user_#1' },
  'orgmem_#2': { organization: 'org_#1', user: 'user_#2' },
  'orgmem_#3': { organization: 'org_#2', user: 'user_#1' },
  'orgmem_#4': { organization: 'org_#2', user: 'user_#2' },
  'sess_#1': { user: 'user_#1' },
  'sess_#2': { user: 'user_#2' },
  'orginv_#1': { organization: 'org_#1' },
  'orginv_#2': { organization: 'org_#2' },
  'orgdmn_#1': { organization: 'org_#1' },
  'orgdmn_#2': { organization: 'org_#2' },
  'csub_#1': {},
  'item_#1': {},
  'item_#2': {},
};
const ITEMS = ['item_#1', 'item_#2'];

const TYPES: Record<string, readonly string[]> = {
  user: ['user.created', 'user.updated', 'user.updated', 'user.deleted'],
  org: ['organization.created', 'organization.updated', 'organization.deleted'],
  orgmem: [
    'organizationMembership.created',
    'organizationMembership.updated',
    'organizationMembership.deleted',
  ],
  sess: ['session.created', 'session.pending', 'session.ended', 'session.revoked'],
  orginv: ['organizationInvitation.created', 'organizationInvitation.accepted'],
  orgdmn: [
    'organizationDomain.created',
    'organizationDomain.updated',
    'organizationDomain.deleted',
  ],
  csub: ['subscription.created', 'subscription.active'],
  item: ['subscriptionItem.created', 'subscriptionItem.active', 'subscriptionItem.ended'],
};

export const EPOCH = Date.UTC(2026, 0, 1);

export function histories({ maxLength }: { maxLength: number }): fc.Arbitrary<History> {
  return fc.array(drafts(), { minLength: 1, maxLength }).chain((drawn) => {
    const messages = drawn.map((draft, index) => toMessage(draft, `msg_#${index}`));
    return fc
      .array(fc.constantFrom(...messages), { maxLength: Math.ceil(maxLength / 2) })
      .chain((repeated) => {
        const all = [...messages, ...repeated];
        return fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length });
      })
      .chain((order) =>
        fc
          .array(fc.boolean(), { minLength: order.length, maxLength: order.length })
          .map((cuts) => ({ messages, batches: cutInto(order, cuts) })),
      );
  });
}

/** The history with ids that no other number's has. */
export function numbered<T extends object>(history: T, number: number): T {
  return JSON.parse(JSON.stringify(history).replaceAll('#', `${number}x`)) as T; // what went in, but for its ids
}

export function toDelivery({ id, ...envelope }: Message) {
  return { id, body: JSON.stringify(envelope), receivedAt: EPOCH };
}

function cutInto<T>(items: readonly T[], cuts: readonly boolean[]): T[][] {
  const batches: T[][] = [[]];
  items.forEach((item, index) => {
    if (cuts[index]) batches.push([]);
    batches.at(-1)?.push(item);
  });
  return batches.filter((batch) => batch.length > 0);
}

type Draft = ReturnType<typeof drafts> extends fc.Arbitrary<infer D> ? D : never;

function drafts() {
  const time = fc.integer({ min: 1, max: 4 }).map((step) => EPOCH + step * 1000);
  const objectTime = fc.oneof(
    { weight: 5, arbitrary: time },
    fc.constant(0),
    fc.constant(undefined),
  );
  return fc.record({
    entity: fc.constantFrom(...Object.keys(ENTITIES)),
    action: fc.nat(11),
    timestamp: time,
    updatedAt: objectTime,
    nestedUpdatedAt: objectTime,
    /** Leaves out what the object may carry along. */
    isPlain: fc.boolean(),
  });
}

function toMessage(draft: Draft, id: string): Message {
  const { entity, action, timestamp } = draft;
  const types = TYPES[familyOf(entity)] ?? [];
  const type = types[action % types.length] ?? '';
  return { id, type, timestamp, data: toData(draft, id, type.endsWith('.deleted')) };
}

function toData(draft: Draft, id: string, isDeletion: boolean): ModelObject {
  const { entity, updatedAt, nestedUpdatedAt, isPlain } = draft;
  const { user = '', organization = '' } = ENTITIES[entity] ?? {};
  const self = {
    ...describe(entity, id),
    ...(updatedAt !== undefined && { updated_at: updatedAt }),
  };
  switch (familyOf(entity)) {
    case 'orgmem': {
      if (isDeletion && isPlain) return self;
      const copied = copyOf(organization, nestedUpdatedAt);
      return { ...self, organization: copied, public_user_data: { user_id: user } };
    }
    case 'sess': {
      const updated = nestedUpdatedAt !== undefined && { updated_at: nestedUpdatedAt };
      return {
        ...self,
        user_id: user,
        user: isPlain ? null : { ...describe(user, id), ...updated },
      };
    }
    case 'orginv':
    case 'orgdmn':
      return isDeletion ? self : { ...self, organization_id: organization };
    case 'csub':
      return { ...self, items: isPlain ? [] : ITEMS.map((item) => copyOf(item, nestedUpdatedAt)) };
    default:
      return self;
  }
}

/** Clerk's copies of one object with one `updated_at` are alike. */
function copyOf(id: string, updatedAt: number | undefined): ModelObject {
  const text = `${id} as of ${updatedAt ?? 'never'}`;
  return { ...describe(id, text), ...(updatedAt !== undefined && { updated_at: updatedAt }) };
}

/** With the text where the entity's table has a column for it. */
function describe(id: string, text: string): ModelObject {
  const field = { user: 'first_name', org: 'name', orgmem: 'role', orgdmn: 'name' }[familyOf(id)];
  return { id, [field ?? 'status']: text };
}

function familyOf(id: string): string {
  return id.split('_')[0] ?? id;
}
