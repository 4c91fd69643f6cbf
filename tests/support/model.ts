/**
 * What the tables must hold, from the set of events alone: the newest version of each entity, and nothing that was deleted.
 * Imports nothing of the program, on purpose.
 */
export interface ModelEvent {
  /** The svix-id. It decides between two states that are alike in both times. */
  id?: string;
  type: string;
  timestamp: number;
  data: ModelObject;
}

/** One of the four texts is what tells one state of an entity from another. */
export interface ModelObject {
  id: string;
  updated_at?: number;
  first_name?: string;
  name?: string;
  role?: string;
  status?: string;
  user_id?: string;
  organization_id?: string;
  /** A session's: counts as a version of that user. */
  user?: ModelObject | null;
  /** A membership's: counts as of its own time, and loses every tie. */
  organization?: ModelObject;
  public_user_data?: { user_id: string };
  /** A subscription's: like a membership's organization. */
  items?: ModelObject[];
}

const TABLES = {
  user: 'users',
  organization: 'organizations',
  organizationMembership: 'memberships',
  organizationInvitation: 'invitations',
  organizationDomain: 'domains',
  session: 'sessions',
  subscription: 'subscriptions',
  subscriptionItem: 'items',
} as const;
type Table = (typeof TABLES)[keyof typeof TABLES];

/** By id, the newest text; null for a placeholder, whose own event never came. */
export type EveryTable = Record<Table, Map<string, string | null>>;
export type ModelTables = Pick<EveryTable, 'users' | 'organizations' | 'memberships'>;

export function expectTables(events: readonly ModelEvent[]): ModelTables {
  const { users, organizations, memberships } = expectEveryTable(events);
  return { users, organizations, memberships };
}

export function expectEveryTable(events: readonly ModelEvent[]): EveryTable {
  const gone = findDeleted(events);
  const tables = Object.fromEntries(
    Object.values(TABLES).map((table) => [table, new Map()]),
  ) as EveryTable; // the keys are those of Table
  for (const [table, id] of events.flatMap(({ data }) => parentsOf(data))) {
    tables[table].set(id, null);
  }
  for (const { table, data } of events.flatMap(statesOf).sort(byRank)) {
    if (parentsOf(data).some(([, id]) => gone.has(id))) continue;
    tables[table].set(data.id, data.first_name ?? data.name ?? data.role ?? data.status ?? '');
  }
  for (const table of Object.values(tables)) for (const id of gone) table.delete(id);
  return tables;
}

export function findDeleted(events: readonly ModelEvent[]): Set<string> {
  return new Set(events.filter(isDeletion).map(({ data }) => data.id));
}

interface State {
  table: Table;
  data: ModelObject;
  rank: readonly [number, number, string];
}

/** The event's own state, and those it carries along. */
function statesOf(event: ModelEvent): State[] {
  const { id = '', type, timestamp, data } = event;
  const states: State[] = [];
  const tell = (table: Table, state: ModelObject) =>
    states.push({ table, data: state, rank: [state.updated_at || timestamp, timestamp, id] });
  const copy = (table: Table, state: ModelObject) =>
    state.updated_at && states.push({ table, data: state, rank: [state.updated_at, 0, ''] });
  // The histories hold no other families.
  if (!isDeletion(event)) tell(TABLES[type.split('.')[0] as keyof typeof TABLES], data);
  if (data.user) tell('users', data.user);
  if (data.organization) copy('organizations', data.organization);
  for (const item of data.items ?? []) copy('items', item);
  return states;
}

function parentsOf(data: ModelObject): [Table, string][] {
  const parents: [Table, string | undefined][] = [
    ['users', data.public_user_data?.user_id ?? data.user_id],
    ['organizations', data.organization?.id ?? data.organization_id],
  ];
  return parents.filter((parent): parent is [Table, string] => parent[1] !== undefined);
}

function isDeletion({ type }: ModelEvent): boolean {
  return type.endsWith('.deleted');
}

function byRank({ rank: a }: State, { rank: b }: State): number {
  if (a[0] !== b[0]) return a[0] - b[0];
  if (a[1] !== b[1]) return a[1] - b[1];
  return a[2] < b[2] ? -1 : Number(a[2] > b[2]);
}
