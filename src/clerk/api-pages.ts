/**
 * Walks a whole list, oldest first, while it changes. What is there from the beginning of the walk to its end comes at least once:
 * what is created meanwhile joins at the end, and what is deleted meanwhile moves nothing past the reader.
 */
import { type JsonRecord } from '../record.js';
import { type ListPage } from './api-answers.js';

/** The most that Clerk gives in one page. */
export const PAGE_SIZE = 500;

/** The place after an item, as plain JSON: a walk goes on from it after a restart. */
export interface PageCursor {
  id: string;
  /** The item's `created_at`, in ms. */
  createdAt: number;
  /** How many items come before the place. */
  position: number;
}

/** Never empty. */
export interface ApiPage extends ListPage {
  /** Where the page ends. */
  cursor: PageCursor;
}

/** Asks for one page of a list, in the order of creation. */
export type AskPage = (query: Record<string, string>) => Promise<ListPage>;

/** For `/users`, which can go on after an id. `exists` tells whether Clerk still has that user. */
export async function* walkByCursor(
  ask: AskPage,
  exists: (id: string) => Promise<boolean>,
  start?: PageCursor,
): AsyncGenerator<ApiPage> {
  for (let cursor = start; ;) {
    const items = cursor ? await readAfter(cursor, ask, exists) : (await ask({})).items;
    if (items.length === 0) return;
    cursor = endOf(items, (cursor?.position ?? 0) + items.length);
    yield { items, cursor, total: null };
  }
}

/** An empty page is the end, and a refusal an error, unless the cursor's user is gone: then its time takes the id's place. */
async function readAfter(
  cursor: PageCursor,
  ask: AskPage,
  exists: (id: string) => Promise<boolean>,
): Promise<JsonRecord[]> {
  try {
    const { items } = await ask({ starting_after: cursor.id });
    if (items.length > 0 || (await exists(cursor.id))) return items;
  } catch (error) {
    if (await exists(cursor.id)) throw error;
  }
  return (await ask({ created_at_after: String(cursor.createdAt - 1) })).items;
}

/**
 * For the lists that only skip. Each page begins with the last item of the one before. When it does not, items before that one
 * were deleted and the rest has moved up: the reader steps back.
 */
export async function* walkByOffset(ask: AskPage, start?: PageCursor): AsyncGenerator<ApiPage> {
  let cursor = start;
  for (let offset = Math.max(0, (start?.position ?? 0) - 1); ;) {
    const { items: page, total } = await ask({ offset: String(offset) });
    if (cursor && offset > 0 && !reachesBack(page, cursor)) {
      // By less than a page: the next one then reaches past the cursor, too.
      offset = Math.max(0, offset - PAGE_SIZE / 2);
      continue;
    }
    const items = cursor ? itemsAfter(page, cursor) : page;
    if (items.length > 0) {
      cursor = endOf(items, offset + page.length);
      yield { items, cursor, total };
    } else if (page.length < PAGE_SIZE) return;
    offset += page.length - 1;
  }
}

function reachesBack([first]: JsonRecord[], { id, createdAt }: PageCursor): boolean {
  return first !== undefined && (first['id'] === id || createdAtOf(first) < createdAt);
}

function itemsAfter(page: JsonRecord[], { id, createdAt }: PageCursor): JsonRecord[] {
  const index = page.findIndex((item) => item['id'] === id);
  if (index >= 0) return page.slice(index + 1);
  return page.filter((item) => createdAtOf(item) >= createdAt);
}

function endOf(items: JsonRecord[], position: number): PageCursor {
  const last = items.at(-1) ?? {};
  return { id: String(last['id']), createdAt: createdAtOf(last), position };
}

function createdAtOf({ created_at: at }: JsonRecord): number {
  return typeof at === 'number' ? at : 0;
}
