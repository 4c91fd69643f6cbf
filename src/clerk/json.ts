/** JSON from strangers: what Postgres cannot hold is cleaned, what cannot be cleaned is named. Pure. */
import { isRecord } from '../record.js';

/** Postgres walks nested jsonb on its stack, and so does JSON.stringify. */
const MAX_DEPTH = 200;
/** More digits than any double has; Postgres's numeric ends at 131,072. */
const MAX_DIGITS = 400;

export interface JsonScan {
  isTooDeep: boolean;
  /**
   * Whether Postgres can hold the text as it is. Not with NUL characters or lone surrogates, which neither text nor jsonb can hold,
   * nor, for sure, with numbers that are written with an exponent or with hundreds of digits.
   */
  isHoldable: boolean;
}

/** One look at each character of what is, or is not, JSON. */
export function scanJson(text: string): JsonScan {
  const scan = { isTooDeep: false, isHoldable: true };
  let depth = 0;
  let digits = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char >= DIGIT_0 && char <= DIGIT_9) {
      if (++digits > MAX_DIGITS) scan.isHoldable = false;
      continue;
    }
    if (char === QUOTE) i = skipString(text, i + 1, scan);
    else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      if (++depth > MAX_DEPTH) return { isTooDeep: true, isHoldable: false };
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) depth--;
    else if ((char === SMALL_E || char === CAPITAL_E) && digits > 0) scan.isHoldable = false;
    digits = 0;
  }
  return scan;
}

/** Parses JSON; NUL characters and lone surrogates, which Postgres cannot hold, become U+FFFD. */
export function parseClean(text: string, { isHoldable } = scanJson(text)): unknown {
  if (isHoldable) return JSON.parse(text) as unknown;
  const clean = (value: string) => value.toWellFormed().replaceAll('\0', '\uFFFD');
  return JSON.parse(text, (_key, value: unknown) => {
    if (typeof value === 'string') return clean(value);
    if (!isRecord(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [clean(key), item]));
  }) as unknown;
}

/** @returns where the string ends that begins at `start`. Only an escape can bring in what cannot be held: the text itself is valid UTF-8. */
function skipString(text: string, start: number, scan: JsonScan): number {
  for (let i = start; ; i++) {
    const char = text.charCodeAt(i);
    if (char === QUOTE || i >= text.length) return i;
    if (char !== BACKSLASH) continue;
    i++;
    if (text.charCodeAt(i) === SMALL_U && UNHOLDABLE.test(text.slice(i + 1, i + 5))) {
      scan.isHoldable = false;
    }
  }
}

const UNHOLDABLE = /^(?:0000|d[89a-f])/i;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const CAPITAL_E = 0x45;
const SMALL_E = 0x65;
const SMALL_U = 0x75;
