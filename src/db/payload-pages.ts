/** Reads every payload of the ledger that was processed since a moment, page by page, each page in a statement of its own. */
import { type Statements } from './database.js';

export interface PayloadSearch {
  /** ISO 8601, or `-infinity`. */
  from: string;
  /** One value, of the rows `page(id, payload)`; `values` stand for $3, $4, … */
  select: string;
  values: readonly unknown[];
}

export interface PayloadPage<F> {
  found: F;
  payloads: number;
  /** ISO 8601, by the database's clock: what the ledger had by then was looked at. */
  lookedAt: string;
}

/** 3 kB each. */
const PAGE_SIZE = 2_000;

/** At least one page; the last one is not full. */
export async function* searchPayloads<F>(
  db: Statements,
  { from, select, values }: PayloadSearch,
): AsyncGenerator<PayloadPage<F>> {
  const sql = `WITH page AS MATERIALIZED (
      SELECT id, processed_at, payload FROM ${db.table('webhook_events')}
      WHERE (processed_at, id) > ($1::timestamptz, $2) AND payload IS NOT NULL
      ORDER BY processed_at, id LIMIT ${PAGE_SIZE}
    ), last AS (SELECT processed_at::text AS at, id FROM page ORDER BY processed_at DESC, id DESC LIMIT 1)
    SELECT (${select}) AS found, (SELECT count(*)::integer FROM page) AS payloads,
      (SELECT at FROM last) AS at, (SELECT id FROM last) AS last, statement_timestamp() AS now`;
  let position: [at: string, id: string] = [from, ''];
  for (;;) {
    const [page] = await db.query<FoundPage<F>>(sql, ...position, ...values);
    if (!page) throw new Error('The ledger gave no page.');
    const { found, payloads, at, last, now } = page;
    yield { found, payloads, lookedAt: now.toISOString() };
    if (payloads < PAGE_SIZE) return;
    position = [at, last];
  }
}

interface FoundPage<F> {
  found: F;
  payloads: number;
  at: string;
  last: string;
  now: Date;
}
