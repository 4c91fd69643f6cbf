/** A page of a list by the rules of the Backend API: limits, order, cursor or offset, and what the page is wrapped in. */
import { type Answer, type ApiError, Refusal } from './answers.js';
import {
  type Collection,
  createCollection,
  type Item,
  type JsonObject,
  readItem,
} from './collection.js';
import { type Instance } from './instance.js';
import { type Kind } from './kinds.js';
import { showText } from './objects.js';

/** Keeps an object that one of the values of a parameter fits. */
export type Filter = (object: JsonObject, values: readonly string[]) => boolean;

export interface List {
  kind: Kind;
  form: 'array' | 'wrapped';
  /** Whether the list goes on after an id, and can be cut at times of creation. */
  hasCursor?: boolean;
  filters?: Readonly<Record<string, Filter>>;
  /** Fields that are shown only when the parameter is `true`. */
  optional?: Readonly<Record<string, string>>;
}

/** What the API says of a cursor that names nobody is documented nowhere. */
export type UnknownCursor = 'refused' | 'empty';

export interface Listing {
  instance: Instance;
  list: List;
  query: URLSearchParams;
  unknownCursor: UnknownCursor;
  /** Where the list is not of the whole instance. */
  within?: readonly Item[] | undefined;
}

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 500;
const PAGE_PARAMETERS = ['limit', 'offset', 'order_by'];
const CURSOR_PARAMETERS = ['starting_after', 'created_at_before', 'created_at_after'];

export function answerList(listing: Listing): Answer {
  const { instance, list, query } = listing;
  const source = narrow(listing);
  const bounds = boundsOf(source, query);
  const items = readPage(source, bounds, listing);
  const hidden = hiddenFields(listing);
  const texts = items.map((item) => {
    const text = showText(instance.collections, list.kind, item);
    return hidden.length > 0 ? withoutFields(text, hidden) : text;
  });
  const data = `[${texts.join(',')}]`;
  const total = bounds.to - bounds.from;
  const text = list.form === 'array' ? data : `{"data":${data},"total_count":${total}}`;
  return { status: 200, text };
}

export function countList(listing: Listing): number {
  const { from, to } = boundsOf(narrow(listing), listing.query);
  return to - from;
}

export function withoutFields(text: string, names: readonly string[]): string {
  return JSON.stringify(JSON.parse(text), (key, value: unknown) =>
    names.includes(key) ? undefined : value,
  );
}

/** What the filters leave. A parameter that is not known here is refused, so that a client's mistake shows. */
function narrow({ instance, list, query, within }: Listing): Collection {
  const { filters = {}, optional = {}, hasCursor } = list;
  const known = new Set([
    ...PAGE_PARAMETERS,
    ...(hasCursor ? CURSOR_PARAMETERS : []),
    ...Object.keys(filters),
    ...Object.values(optional),
  ]);
  const unknown = [...query.keys()].find((name) => !known.has(name));
  if (unknown !== undefined) throw refuse({ code: 'form_param_unknown', parameter: unknown });
  const asked = Object.entries(filters).filter(([name]) => query.has(name));
  const whole = instance.collections[list.kind];
  if (asked.length === 0 && !within) return whole;
  const items = within ?? whole.slice(0, Infinity);
  return createCollection(
    items.filter((item) => {
      const object = readItem(item);
      return asked.every(([name, fits]) => fits(object, query.getAll(name)));
    }),
  );
}

interface Bounds {
  from: number;
  to: number;
}

function boundsOf(source: Collection, query: URLSearchParams): Bounds {
  const after = query.get('created_at_after');
  const before = query.get('created_at_before');
  return {
    from: after === null ? 0 : source.countBefore(Number(after) + 1),
    to: before === null ? source.size : source.countBefore(Number(before)),
  };
}

function readPage(source: Collection, { from, to }: Bounds, listing: Listing): Item[] {
  const { query } = listing;
  const limit = readWhole(query, 'limit', { fallback: DEFAULT_LIMIT, min: 1, max: MAX_LIMIT });
  const offset = readWhole(query, 'offset', { fallback: 0, min: 0, max: Infinity });
  const isAscending = readOrder(query);
  const cursor = query.get('starting_after');
  const last = cursor === null ? undefined : source.get(cursor);
  if (cursor !== null && (offset > 0 || (!last && listing.unknownCursor === 'refused'))) {
    throw refuse({ code: 'form_param_value_invalid', parameter: 'starting_after' });
  }
  if (cursor !== null && !last) return [];
  const place = last && source.indexOf(last);
  if (isAscending) {
    const start = Math.max(from, place === undefined ? from : place + 1) + offset;
    return source.slice(start, Math.min(to, start + limit));
  }
  const end = Math.min(to, place ?? to) - offset;
  return source.slice(Math.max(from, end - limit), end).reverse();
}

/** Clerk orders by more than the time of creation; this server does not. */
function readOrder(query: URLSearchParams): boolean {
  const order = query.get('order_by') ?? '-created_at';
  if (!/^[+-]?created_at$/.test(order)) throw refuse({ code: 'not_here', parameter: 'order_by' });
  return !order.startsWith('-');
}

function readWhole(
  query: URLSearchParams,
  parameter: string,
  { fallback, min, max }: { fallback: number; min: number; max: number },
): number {
  const text = query.get(parameter);
  const value = text === null ? fallback : /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw refuse({ code: 'form_param_value_invalid', parameter });
}

function hiddenFields({ list: { optional = {} }, query }: Listing): string[] {
  return Object.entries(optional)
    .filter(([, parameter]) => query.get(parameter) !== 'true')
    .map(([field]) => field);
}

function refuse(error: Omit<ApiError, 'message'>): Refusal {
  return new Refusal(422, { ...error, message: 'is invalid' });
}
