/**
 * What the tables must hold, from the set of events alone: the newest version of each entity, and nothing that was deleted.
 * Imports nothing of the program, on purpose.
 */
export interface ModelEvent {
  type: string;
  timestamp: number;
  data: {
    id: string;
    updated_at?: number;
    name?: string;
    first_name?: string;
    role?: string;
    organization?: { id: string; name: string; updated_at: number };
    public_user_data?: { user_id: string };
  };
}

export interface ModelTables {
  users: Map<string, string | null>;
  organizations: Map<string, string | null>;
  memberships: Map<string, string>;
}

export function expectTables(events: readonly ModelEvent[]): ModelTables {
  const kinds = {
    user: 'users',
    organization: 'organizations',
    organizationMembership: 'memberships',
  } as const;
  const gone = new Set(events.filter((e) => e.type.endsWith('.deleted')).map((e) => e.data.id));
  const tables: ModelTables = {
    users: new Map(),
    organizations: new Map(),
    memberships: new Map(),
  };
  // A nested organization counts as of its own time; coming first, it loses a tie in the stable sort.
  const nested = events.flatMap((e) =>
    e.data.organization
      ? [{ type: 'organization.nested', timestamp: 0, data: e.data.organization }]
      : [],
  );
  for (const { data } of events)
    if (data.public_user_data) tables.users.set(data.public_user_data.user_id, null);
  const states: ModelEvent[] = [...nested, ...events.filter((e) => !e.type.endsWith('.deleted'))];
  for (const { type, data } of states.sort(
    (a, b) => (a.data.updated_at ?? 0) - (b.data.updated_at ?? 0),
  )) {
    const table = kinds[type.split('.')[0] as keyof typeof kinds];
    const parents = [data.organization?.id, data.public_user_data?.user_id];
    if (table === 'memberships' && parents.some((id) => id !== undefined && gone.has(id))) continue;
    tables[table].set(data.id, data.first_name ?? data.name ?? data.role ?? '');
  }
  for (const table of Object.values(tables)) for (const id of gone) table.delete(id);
  return tables;
}
