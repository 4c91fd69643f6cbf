/** Objects of one kind in the order of their creation, as JSON text: a page of five hundred is a join. */

export type JsonObject = Record<string, unknown>;

export interface Item {
  readonly id: string;
  /** In ms. */
  readonly createdAt: number;
  /** Ids of what it hangs on, and goes with. */
  readonly parents: readonly string[];
  /** A made-up item's is made when it is asked for, and not kept. */
  readonly text: string | (() => string);
}

export interface Collection {
  readonly size: number;
  get: (id: string) => Item | undefined;
  childrenOf: (parentId: string) => Item[];
  /** Adds it, or replaces the one with its id. */
  put: (item: Item) => void;
  remove: (id: string) => void;
  /** Oldest first; those of one millisecond by id. */
  slice: (from: number, to: number) => Item[];
  indexOf: (item: Item) => number;
  /** How many were created before that time, in ms. */
  countBefore: (ms: number) => number;
}

export function createCollection(items: readonly Item[] = []): Collection {
  const order: Item[] = [];
  const byId = new Map<string, Item>();
  const byParent = new Map<string, Set<string>>();
  const collection: Collection = {
    get size() {
      return order.length;
    },
    get: (id) => byId.get(id),
    childrenOf: (parentId) =>
      [...(byParent.get(parentId) ?? [])].flatMap((id) => byId.get(id) ?? []),
    put: (item) => {
      collection.remove(item.id);
      byId.set(item.id, item);
      order.splice(findPlace(order, item), 0, item);
      for (const parent of item.parents) {
        const children = byParent.get(parent) ?? new Set();
        byParent.set(parent, children.add(item.id));
      }
    },
    remove: (id) => {
      const item = byId.get(id);
      if (!item) return;
      byId.delete(id);
      order.splice(findPlace(order, item), 1);
      for (const parent of item.parents) byParent.get(parent)?.delete(id);
    },
    slice: (from, to) => order.slice(Math.max(0, from), Math.max(0, to)),
    indexOf: (item) => findPlace(order, item),
    countBefore: (ms) => findPlace(order, { createdAt: ms, id: '' }),
  };
  for (const item of items) collection.put(item);
  return collection;
}

/** The number of items before the place. */
function findPlace(order: readonly Item[], place: Pick<Item, 'createdAt' | 'id'>): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = order[middle];
    if (item && isBefore(item, place)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isBefore(item: Item, { createdAt, id }: Pick<Item, 'createdAt' | 'id'>): boolean {
  return item.createdAt < createdAt || (item.createdAt === createdAt && item.id < id);
}

export function textOf({ text }: Item): string {
  return typeof text === 'string' ? text : text();
}

export function readItem(item: Item): JsonObject {
  return JSON.parse(textOf(item)) as JsonObject; // every text here was made from an object
}
