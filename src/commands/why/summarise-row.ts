/** What may be shown of a stored row: ids, kinds, states and times as they are; of all else only whether it is there. Pure. */
import { TABLES, type TableName } from '../../db/tables.js';
import { maskWord } from '../../masking.js';
import { isRecord } from '../../record.js';

export interface RowSummary {
  /** Values as they are; times as ISO 8601. */
  shown: Record<string, unknown>;
  /** Columns that hold something that is not shown. */
  set: string[];
  /** Columns that hold `{}`, `[]` or an empty text. */
  empty: string[];
  null: string[];
}

/** Of Clerk's own making, or the application's configuration. `slug`, `key` and `external_id` are left out: people choose them. */
const SHOWN_COLUMNS: ReadonlySet<string> = new Set([
  'charge_type',
  'client_id',
  'created_by',
  'currency',
  'email_address_id',
  'enrollment_mode',
  'failed_code',
  'interval',
  'invitation_id',
  'inviter_id',
  'last_active_organization_id',
  'latest_payment_id',
  'members_count',
  'organization_id',
  'payer_id',
  'payment_id',
  'phone_number_id',
  'plan_id',
  'quantity',
  'role',
  'status',
  'subscription_id',
  'type',
  'user_id',
  'verification_status',
]);

/** @param showData true shows everything. */
export function summariseRow(
  table: TableName,
  row: Readonly<Record<string, unknown>>,
  showData: boolean,
): RowSummary {
  const summary: RowSummary = { shown: {}, set: [], empty: [], null: [] };
  for (const column of Object.keys(TABLES[table])) {
    const value = row[column] ?? null;
    if (value === null) summary.null.push(column);
    else if (isEmpty(value)) summary.empty.push(column);
    else if (showData || isShown(column, value)) summary.shown[column] = toShown(value);
    else summary.set.push(column);
  }
  return summary;
}

function isShown(column: string, value: unknown): boolean {
  if (value instanceof Date || typeof value === 'boolean') return true;
  if (!SHOWN_COLUMNS.has(column)) return false;
  // A role comes from metadata, which may hold anything: only a single word is shown.
  return typeof value === 'number' || (typeof value === 'string' && maskWord(value) === value);
}

function toShown(value: unknown): unknown {
  return value instanceof Date ? value.toISOString() : value;
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value) || typeof value === 'string') return value.length === 0;
  return isRecord(value) && !(value instanceof Date) && Object.keys(value).length === 0;
}
