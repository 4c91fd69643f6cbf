/** The mirror tables as the writers see them: one row per column, its Postgres type beside it. */
const COMMON = {
  created_at: 'timestamptz(3)',
  updated_at: 'timestamptz(3)',
  data: 'jsonb',
} as const;

export const TABLES = {
  users: {
    email: 'text',
    first_name: 'text',
    last_name: 'text',
    username: 'text',
    phone: 'text',
    image_url: 'text',
    role: 'text',
    external_id: 'text',
    status: 'text',
    last_sign_in_at: 'timestamptz(3)',
    public_metadata: 'jsonb',
    private_metadata: 'jsonb',
    unsafe_metadata: 'jsonb',
    ...COMMON,
  },
  organizations: {
    name: 'text',
    slug: 'text',
    image_url: 'text',
    members_count: 'integer',
    created_by: 'text',
    public_metadata: 'jsonb',
    private_metadata: 'jsonb',
    ...COMMON,
  },
  organization_memberships: {
    organization_id: 'text',
    user_id: 'text',
    role: 'text',
    permissions: 'text[]',
    public_metadata: 'jsonb',
    ...COMMON,
  },
} as const satisfies Record<string, Record<string, PostgresType>>;

type PostgresType = 'text' | 'text[]' | 'integer' | 'boolean' | 'jsonb' | 'timestamptz(3)';

export type TableName = keyof typeof TABLES;

/** A column's value as JSON carries it into the statement: times as ISO 8601 text. */
interface JsonValue {
  text: string | null;
  'text[]': string[] | null;
  integer: number | null;
  boolean: boolean | null;
  jsonb: unknown;
  'timestamptz(3)': string | null;
}

export type Row<T extends TableName = TableName> = {
  [C in keyof (typeof TABLES)[T]]: (typeof TABLES)[T][C] extends keyof JsonValue
    ? JsonValue[(typeof TABLES)[T][C]]
    : never;
} & { id: string };

/** What a deleted row takes along, by ON DELETE CASCADE: the child's table and the column that names the parent. */
export const CASCADES: Readonly<
  Partial<Record<TableName, readonly { child: TableName; column: string }[]>>
> = {
  users: [{ child: 'organization_memberships', column: 'user_id' }],
  organizations: [{ child: 'organization_memberships', column: 'organization_id' }],
};
