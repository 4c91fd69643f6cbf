/** What is stored of an entity, as a person reads it. Pure. */
import { formatMoment } from '../format-time.js';
import { type Terminal } from '../terminal.js';
import { label } from './label.js';
import { type StoredReport } from './report.js';

export function formatStored(entity: StoredReport, terminal: Terminal): string[] {
  const { row, version, tombstone, children } = entity;
  const lines: string[] = [];
  if (tombstone) {
    const { deletedAt, erasedAt, eventId, eventType } = tombstone;
    const erased = erasedAt === null ? '' : `, erased ${formatMoment(erasedAt)} UTC`;
    const by = eventId === null ? '' : ` by ${[eventType, eventId].filter(Boolean).join(' ')}`;
    lines.push(
      ...label('tombstone', [`deleted ${formatMoment(deletedAt)} UTC${by}${erased}`], terminal),
    );
  } else if (version) {
    const { updatedAt, eventId, eventType } = version;
    const by =
      eventId === null ? 'a copy carried along' : [eventType, eventId].filter(Boolean).join(' ');
    lines.push(...label('stored', [`${formatMoment(updatedAt, true)} UTC, ${by}`], terminal));
  }
  lines.push(...label('row', row ? formatRow(row) : ['none'], terminal));
  for (const { table, count, ids } of children) {
    const more = count > ids.length ? ', …' : '';
    lines.push(...label('children', [`${count} in ${table}: ${ids.join(', ')}${more}`], terminal));
  }
  return lines;
}

function formatRow(row: NonNullable<StoredReport['row']>): string[] {
  const names = Object.keys(row.shown);
  const width = Math.max(0, ...names.map((name) => name.length));
  const values = Object.entries(row.shown).map(
    ([name, value]) => `${name.padEnd(width)}  ${showValue(value)}`,
  );
  const list = (title: string, columns: readonly string[]) =>
    columns.length === 0 ? [] : [`${title}: ${columns.join(', ')}`];
  return [
    `${row.table}, written ${formatMoment(row.syncedAt)} UTC`,
    ...values,
    ...list('set, not shown', row.set),
    ...list('empty', row.empty),
    ...list('null', row.null),
  ];
}

function showValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
