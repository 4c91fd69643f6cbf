/** All that a batch writes besides deletions, in one statement (docs/decisions/0016-one-writing-statement.md). Unguarded: the caller holds the locks and has decided. */
import { type Statements } from './database.js';
import { collectDocuments, type Documents, type JsonDocument } from './documents.js';
import { toHandlerRunsPart, type NewRun } from './handler-runs.js';
import { toLedgerPart, type LedgerEntry } from './ledger.js';
import { toRowsPart } from './rows.js';
import { type Row, type TableName } from './tables.js';
import { toVersionsPart, type VersionWrite } from './versions.js';
import { type WritePart } from './write-part.js';

export interface BatchWrite {
  /** What columns of `rows` and `entries` are, or are parts of: it need not be sent again. */
  documents?: readonly JsonDocument[];
  /** Whole rows, by table; each id once (twice in one statement is error 21000). */
  rows?: readonly (readonly [TableName, readonly Row[]])[];
  versions?: readonly VersionWrite[];
  entries?: readonly LedgerEntry[];
  /** What handlers are to do for events among the entries. */
  runs?: readonly NewRun[];
}

export async function writeBatch(tx: Statements, write: BatchWrite): Promise<void> {
  const documents = collectDocuments(write.documents ?? []);
  const parts = listParts(tx, write, documents).filter(({ records }) => records.length > 0);
  if (parts.length === 0) return;
  const statements = parts.map(({ toSql }, index) => {
    const sql = toSql({ documents: '$1::jsonb', records: `$${index + 2}::jsonb` });
    return `part_${index} AS (${sql})`;
  });
  // Versions alone name no document, and Postgres cannot tell the type of a parameter that is not named at all.
  await tx.execute(
    `WITH ${statements.join(', ')} SELECT $1::jsonb IS NOT NULL`,
    documents.toText(),
    ...parts.map(({ records }) => JSON.stringify(records)),
  );
}

function listParts(
  tx: Statements,
  { rows = [], versions = [], entries = [], runs = [] }: BatchWrite,
  documents: Documents,
): WritePart[] {
  return [
    ...rows.map(([table, group]) => toRowsPart(tx, { table, rows: group }, documents)),
    toVersionsPart(tx, versions),
    toLedgerPart(tx, entries, documents),
    toHandlerRunsPart(tx, runs),
  ];
}
