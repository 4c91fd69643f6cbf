/** From the owner's table to what the engine asks it. Pure. */
import { EVENT_TYPES, type EventType } from '../clerk/event-types.js';
import { SyncError } from '../errors.js';
import { type Handler, type HandlerTable } from './define-handlers.js';

/** One that has no type any more: who it is called with is looked up by the same table. */
export type AnyHandler = Handler<never>;

export interface Handlers {
  /** Each once. */
  names: readonly string[];
  /** Those that are for events of this type, by name. */
  namesFor: (type: string) => readonly string[];
  find: (name: string) => AnyHandler | undefined;
  /** For a metric: the name where it is in the table, else `other`. Rows and jobs may hold names of the past. */
  labelOf: (name: string) => string;
}

/** What `labelOf` says of a name that is not in the table. */
const OTHER = 'other';

/** Part of a job's id, of an idempotency key and of a metric's label. */
const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const MAX_NAME_LENGTH = 60;

/** @throws SyncError `config.invalid` that lists everything that is wrong with the table. */
export function readHandlers(table: HandlerTable): Handlers {
  const problems: string[] = [];
  const byName = new Map<string, AnyHandler>();
  const byType = new Map<string, Set<string>>(EVENT_TYPES.map((type) => [type, new Set()]));
  for (const [pattern, group] of Object.entries(table)) {
    const types = EVENT_TYPES.filter((type) => isFor(pattern, type));
    if (types.length === 0) problems.push(`"${pattern}" is no event type, no FAMILY.* and not *.`);
    for (const [name, handler] of Object.entries(group)) {
      if (!NAME.test(name) || name.length > MAX_NAME_LENGTH) {
        problems.push(
          `"${name}" is no name for a handler: write-it-like-this, in at most ${MAX_NAME_LENGTH} characters.`,
        );
      }
      if (typeof handler !== 'function') problems.push(`"${name}" is no function.`);
      if ((byName.get(name) ?? handler) !== handler) {
        problems.push(`"${name}" names two functions. Each needs a name of its own.`);
      }
      byName.set(name, handler as AnyHandler); // the types that it is for are those of its pattern
      for (const type of types) byType.get(type)?.add(name);
    }
  }
  if (problems.length > 0) {
    throw new SyncError('config.invalid', ['src/handlers/index.ts:', ...problems].join('\n'));
  }
  const namesByType = new Map([...byType].map(([type, names]) => [type, [...names]]));
  return {
    names: [...byName.keys()],
    namesFor: (type) => namesByType.get(type) ?? [],
    find: (name) => byName.get(name),
    labelOf: (name) => (byName.has(name) ? name : OTHER),
  };
}

function isFor(pattern: string, type: EventType): boolean {
  if (pattern === '*' || pattern === type) return true;
  return pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1));
}

/** All that `labelOf` can say. */
export function listLabels({ names }: Handlers): readonly string[] {
  return [...new Set([...names, OTHER])];
}
