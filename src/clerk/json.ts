/** JSON from strangers: what Postgres cannot hold is cleaned, what cannot be cleaned is named. Pure. */
import { isRecord } from '../record.js';

/** Postgres walks nested jsonb on its stack, and so does JSON.stringify. */
const MAX_DEPTH = 200;

export function isDeeplyNested(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === BACKSLASH) i++;
      else if (char === QUOTE) inString = false;
    } else if (char === QUOTE) inString = true;
    else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      if (++depth > MAX_DEPTH) return true;
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) depth--;
  }
  return false;
}

/** Parses JSON; NUL characters and lone surrogates, which neither text nor jsonb can hold, become U+FFFD. */
export function parseClean(text: string): unknown {
  // Only an escape can bring either in: the text itself is valid UTF-8, and a raw NUL is not valid JSON.
  if (!/\\u(?:0000|d[89a-f])/i.test(text)) return JSON.parse(text) as unknown;
  const clean = (value: string) => value.toWellFormed().replaceAll('\0', '\uFFFD');
  return JSON.parse(text, (_key, value: unknown) => {
    if (typeof value === 'string') return clean(value);
    if (!isRecord(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [clean(key), item]));
  }) as unknown;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
