/** What Clerk has against what is stored, table by table. */
import { type TestDatabase } from './database.js';

/** Without a row of its own: `[]`. In the order of the ids; the ids of placeholders among them. */
export function readRows(
  database: TestDatabase,
  table: string,
): Promise<{ id: string; data: Record<string, unknown> | null }[]> {
  return database.query(`SELECT id, data FROM clerk.${table} ORDER BY id COLLATE "C"`);
}

/** As the table should have it: what the projections leave as Clerk has it, in the order of the ids. */
export function expectRows(
  objects: readonly Record<string, unknown>[],
): { id: unknown; data: Record<string, unknown> }[] {
  return objects
    .map((data) => ({ id: data['id'], data }))
    .sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1));
}
