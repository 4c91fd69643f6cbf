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
  organization_invitations: {
    organization_id: 'text',
    email: 'text',
    role: 'text',
    status: 'text',
    user_id: 'text',
    inviter_id: 'text',
    expires_at: 'timestamptz(3)',
    public_metadata: 'jsonb',
    private_metadata: 'jsonb',
    ...COMMON,
  },
  organization_domains: {
    organization_id: 'text',
    name: 'text',
    enrollment_mode: 'text',
    verification_status: 'text',
    affiliation_email: 'text',
    ...COMMON,
  },
  sessions: {
    user_id: 'text',
    client_id: 'text',
    status: 'text',
    last_active_organization_id: 'text',
    last_active_at: 'timestamptz(3)',
    expire_at: 'timestamptz(3)',
    abandon_at: 'timestamptz(3)',
    ...COMMON,
  },
  roles: {
    key: 'text',
    name: 'text',
    description: 'text',
    is_creator_eligible: 'boolean',
    permissions: 'text[]',
    ...COMMON,
  },
  permissions: { key: 'text', name: 'text', description: 'text', type: 'text', ...COMMON },
  waitlist_entries: {
    email: 'text',
    status: 'text',
    is_locked: 'boolean',
    invitation_id: 'text',
    ...COMMON,
  },
  subscriptions: {
    payer_id: 'text',
    user_id: 'text',
    organization_id: 'text',
    status: 'text',
    latest_payment_id: 'text',
    active_at: 'timestamptz(3)',
    past_due_at: 'timestamptz(3)',
    canceled_at: 'timestamptz(3)',
    ended_at: 'timestamptz(3)',
    ...COMMON,
  },
  subscription_items: {
    subscription_id: 'text',
    payer_id: 'text',
    user_id: 'text',
    organization_id: 'text',
    status: 'text',
    plan_id: 'text',
    plan_slug: 'text',
    interval: 'text',
    is_free_trial: 'boolean',
    quantity: 'integer',
    period_start: 'timestamptz(3)',
    period_end: 'timestamptz(3)',
    ...COMMON,
  },
  payment_attempts: {
    payment_id: 'text',
    payer_id: 'text',
    user_id: 'text',
    organization_id: 'text',
    status: 'text',
    charge_type: 'text',
    amount: 'integer',
    currency: 'text',
    failed_code: 'text',
    billing_date: 'timestamptz(3)',
    paid_at: 'timestamptz(3)',
    failed_at: 'timestamptz(3)',
    ...COMMON,
  },
  email_messages: {
    user_id: 'text',
    email_address_id: 'text',
    to_email: 'text',
    slug: 'text',
    status: 'text',
    delivered_by_clerk: 'boolean',
    ...COMMON,
  },
  sms_messages: {
    user_id: 'text',
    phone_number_id: 'text',
    to_phone: 'text',
    slug: 'text',
    status: 'text',
    delivered_by_clerk: 'boolean',
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
  users: [
    { child: 'organization_memberships', column: 'user_id' },
    { child: 'sessions', column: 'user_id' },
  ],
  organizations: [
    { child: 'organization_memberships', column: 'organization_id' },
    { child: 'organization_invitations', column: 'organization_id' },
    { child: 'organization_domains', column: 'organization_id' },
  ],
};
