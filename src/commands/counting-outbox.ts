/** What a command that fetches leaves handlers to do: nothing, unless somebody asks for it. */
import { type Outbox } from '../projections/apply.js';
import { type CommandContext } from './command.js';
import { readHandlerNames } from './read-handler-names.js';

export interface CountingOutbox extends Outbox {
  /** Runs so far. Undefined: nobody asked for any. */
  count: () => number | undefined;
}

/** @param names as written; undefined: none. @throws SyncError `usage.invalid` for an unknown name; `config.invalid`. */
export async function openCountingOutbox(
  { loadHandlers }: CommandContext,
  names: string | undefined,
): Promise<CountingOutbox> {
  if (names === undefined) return NOBODY_ASKED;
  const handlers = await loadHandlers();
  const asked = readHandlerNames(names, handlers);
  let count = 0;
  return {
    handlersFor: (type) => handlers.namesFor(type).filter((name) => asked.includes(name)),
    forFetched: true,
    notify: (runs) => (count += runs),
    count: () => count,
  };
}

const NOBODY_ASKED: CountingOutbox = {
  handlersFor: () => [],
  notify: () => undefined,
  count: () => undefined,
};

export function describeRuns(count: number | undefined): string[] {
  if (count === undefined) return [];
  return [`handlers: ${count} ${count === 1 ? 'run' : 'runs'}, for the workers that run them`];
}
