/** What an answer of Clerk's Backend API must be like to be used. Loose: objects gain fields, and only the id is relied on. Pure. */
import { isRecord, type JsonRecord } from '../record.js';
import { ApiFailure, UNREADABLE } from './api-failure.js';

/** One answer of a list. */
export interface ListPage {
  /** As Clerk sent them: the shape that webhooks carry as `data`. Each has a string `id`. */
  items: JsonRecord[];
  /** How many items the whole list holds; null where Clerk does not tell. */
  total: number | null;
}

/** `/users` answers with an array, the others wrap it. @throws ApiFailure when it is something else. */
export function readPage(answer: unknown): ListPage {
  const { data: items, total_count: total } = isRecord(answer) ? answer : { data: answer };
  if (!Array.isArray(items)) throw new ApiFailure(UNREADABLE);
  return { items: items.map(readObject), total: typeof total === 'number' ? total : null };
}

/** @throws ApiFailure when it is something else, such as an error page. */
export function readObject(answer: unknown): JsonRecord {
  if (isRecord(answer) && typeof answer['id'] === 'string') return answer;
  throw new ApiFailure(UNREADABLE);
}

/** The JSON that a resource of Clerk's client was made from: the client itself renames fields, and drops those it does not know. */
export function readRaw({ raw }: { raw: unknown }): JsonRecord {
  return readObject(raw);
}

export function readCount(answer: unknown): number {
  if (typeof answer === 'number') return answer;
  throw new ApiFailure(UNREADABLE);
}
