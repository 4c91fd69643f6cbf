/** Every text in a JSON value, keys included. Pure. Iterative, so that an absurdly nested body cannot overflow the stack. */
import { isRecord } from './record.js';

export function* listTexts(value: unknown): Generator<string> {
  const pending: unknown[] = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    if (typeof next === 'string') yield next;
    else if (Array.isArray(next)) for (const item of next) pending.push(item);
    else if (isRecord(next)) {
      for (const [key, inner] of Object.entries(next)) {
        yield key;
        pending.push(inner);
      }
    }
  }
}
