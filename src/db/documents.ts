/** The JSON of a batch: each document is sent to Postgres once, however many columns show it, whole or in part. Pure. */
import { isRecord } from '../record.js';

/** JSON beside its own text, so that it need not be written out again. */
export interface JsonDocument {
  value: unknown;
  text: string;
}

/** Where a column's value stands: in which document, counted from 0, and on which path in it. */
export interface Place {
  document: number;
  path: readonly string[];
}

/** A place as a record of `jsonb_to_recordset` has it. */
export const PLACE_RECORD = 'document integer, path text[]';

export interface Documents {
  /** Finds `value` where it was added, whole or as a part; adds it otherwise. Null has no place. */
  place: (value: unknown) => Place | null;
  /** A JSON array of all of them. */
  toText: () => string;
}

/** @param known what most columns are parts of: whole events, whose `data`, and the objects in it, are found by identity. */
export function collectDocuments(known: readonly JsonDocument[]): Documents {
  const texts: string[] = [];
  const places = new Map<unknown, Place>();
  const add = ({ value, text }: JsonDocument): Place => {
    const place = { document: texts.push(text) - 1, path: [] };
    places.set(value, place);
    return place;
  };
  for (const event of known) {
    const { document } = add(event);
    const data = isRecord(event.value) ? event.value['data'] : undefined;
    if (!isRecord(data)) continue;
    places.set(data, { document, path: ['data'] });
    for (const key in data) {
      if (isRecord(data[key])) places.set(data[key], { document, path: ['data', key] });
    }
  }
  return {
    place(value) {
      if (value === null || value === undefined) return null;
      return places.get(value) ?? add({ value, text: JSON.stringify(value) });
    },
    toText: () => `[${texts.join(',')}]`,
  };
}
