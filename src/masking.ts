/** What may be shown of data that may be stored: structure, ids, types, times and states. Everything else becomes a mask. Pure. */
import { isRecord } from './record.js';

export const MASK = '•••';

/** Ids of Clerk's own making, kinds and states. `external_id` and the like are missing: they are other people's to choose. */
const SHOWN_WORDS: ReadonlySet<string> = new Set([
  'client_id',
  'created_by',
  'email_address_id',
  'id',
  'identification_id',
  'instance_id',
  'inviter_id',
  'jobId',
  'last_active_organization_id',
  'object',
  'organization_id',
  'outcome',
  'payer_id',
  'payment_id',
  'phone_number_id',
  'plan_id',
  'primary_email_address_id',
  'primary_phone_number_id',
  'role',
  'session_id',
  'status',
  'strategy',
  'subscription_id',
  'type',
  'user_id',
]);
const SHOWN_NUMBERS = /^(?:.+_at|.+_count|age|attempts|count|delay|receivedAt|timestamp|version)$/;
/** One word: no address, no number with a plus, no sentence. */
const WORD = /^[A-Za-z][\w.:-]{0,99}$/;
/** Clerk's own keys. A dictionary keyed by people's addresses is no structure of anybody's. */
const PLAIN_KEY = /^[a-zA-Z]\w{0,59}$/;
/** The application's own: even the keys are not for showing. */
const METADATA = /metadata$/i;
/** Deeper than anything of Clerk's. */
const MAX_DEPTH = 12;

/** A copy of parsed JSON with the same structure. */
export function maskValue(value: unknown, key = '', depth = 0): unknown {
  if (value === null || typeof value === 'boolean' || isShown(value, key)) return value;
  if (METADATA.test(key) || depth >= MAX_DEPTH) return MASK;
  if (Array.isArray(value)) return value.map((item) => maskValue(item, key, depth + 1));
  if (!isRecord(value)) return MASK;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      PLAIN_KEY.test(name) ? name : MASK,
      maskValue(inner, name, depth + 1),
    ]),
  );
}

/** @returns a single word as it is, such as an event type, or no text at all; anything else is masked. */
export function maskWord(text: string): string {
  return text === '' || WORD.test(text) ? text : MASK;
}

/** Patterns of what is somebody's, wherever it stands; quotation marks hold values, unless it is a name in the database. */
const PERSONAL = [
  /(["`])(?![a-z_][a-z0-9_.]*\1)[^]*?\1/g,
  /(?<!\w)'(?![a-z_][a-z0-9_.]*')[^]*?'(?!\w)/g,
  /[^\s@]{1,100}@\S+/g,
  /[a-z][a-z0-9+.-]{0,30}:\/\/\S+/gi,
  /\b\d{1,3}(?:\.\d{1,3}){3}\b/g,
  /(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}/gi,
  /\+?\d[\d\s().-]{5,}\d/g,
];

/** @param hidden texts that are masked elsewhere, and may be repeated here. */
export function maskText(text: string, hidden: ReadonlySet<string>): string {
  return hideAll(
    PERSONAL.reduce((masked, pattern) => masked.replace(pattern, MASK), text),
    hidden,
  );
}

const FRAME = /^ +at (?:async )?(?:[\w.$<>[\] ]+ \()?(?:file:\/\/|node:)?[\w./@+-]+:\d+:\d+\)?$/;

/** The message, which comes first, is a text like any other; of the lines below it only those stay that say where it happened. */
export function maskStack(stack: string, hidden: ReadonlySet<string>): string {
  const [message = ''] = stack.split(/\n +at /, 1);
  const frames = stack.slice(message.length).split('\n');
  return [
    maskText(message, hidden),
    ...frames.filter((line) => FRAME.test(line)).map((frame) => hideAll(frame, hidden)),
  ].join('\n');
}

/** Shorter ones are in every text. */
const SHORTEST_HIDDEN = 3;

/** Every text in `value` that `maskValue` does not show. Iterative, whatever the depth. */
export function collectHidden(value: unknown): Set<string> {
  const hidden = new Set<string>();
  const add = (text: string) => {
    if (text.length >= SHORTEST_HIDDEN) hidden.add(text);
  };
  const pending: { value: unknown; key: string; isMetadata: boolean }[] = [
    { value, key: '', isMetadata: false },
  ];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { value: current, key, isMetadata } = next;
    if (Array.isArray(current)) {
      for (const item of current) pending.push({ value: item, key, isMetadata });
    } else if (isRecord(current)) {
      for (const [name, inner] of Object.entries(current)) {
        if (isMetadata || !PLAIN_KEY.test(name)) add(name);
        const isInside = isMetadata || METADATA.test(name);
        pending.push({ value: inner, key: name, isMetadata: isInside });
      }
    } else if (typeof current === 'string' || typeof current === 'number') {
      if (isMetadata || !isShown(current, key)) add(String(current));
    }
  }
  return hidden;
}

function isShown(value: unknown, key: string): boolean {
  if (typeof value === 'number') return SHOWN_NUMBERS.test(key);
  return typeof value === 'string' && SHOWN_WORDS.has(key) && WORD.test(value);
}

function hideAll(text: string, hidden: ReadonlySet<string>): string {
  let masked = text;
  for (const word of [...hidden].sort((a, b) => b.length - a.length)) {
    if (!masked.toLowerCase().includes(word.toLowerCase())) continue;
    const literal = word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
    masked = masked.replace(new RegExp(literal, 'giu'), MASK);
  }
  return masked;
}
