/** The SQL of docs/scaling.md that partitions the ledger: what people are told is what is tried. */
import { readFileSync } from 'node:fs';
import { SCALING } from './write-scaling.js';

export function readPartitioning(): string {
  const [, sql] =
    /```sql\n(BEGIN;\nLOCK TABLE clerk\.webhook_events[^]*?COMMIT;)\n```/.exec(
      readFileSync(SCALING, 'utf8'),
    ) ?? [];
  if (sql === undefined) throw new Error('docs/scaling.md does not say how to partition.');
  return sql;
}
