/** Reads a team's own users, one at a time, from CSV with a header or from JSON lines. What is wrong with a line is said with its number. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream';
import { parse } from 'csv-parse';
import { messageOf, SyncError } from '../errors.js';
import { isRecord, type JsonRecord } from '../record.js';

/** A user as the team has it. Only the first two are needed. */
export interface OwnUser {
  line: number;
  id: string;
  email: string;
  firstName?: string;
  lastName?: string;
  username?: string;
  role?: string;
  createdAt?: Date;
  password?: { digest: string; hasher: string };
}

export interface Refused {
  line: number;
  /** Where it could be read. */
  id?: string;
  /** Names fields, never values. */
  reason: string;
}

/** The columns of the CSV, and the keys of the JSON objects. */
export const FIELDS = [
  'id',
  'email',
  'first_name',
  'last_name',
  'username',
  'role',
  'created_at',
  'password_hash',
  'password_hasher',
] as const;

/** How a digest begins that says by itself what made it. */
const HASHERS: readonly [RegExp, string][] = [
  [/^\$2[aby]\$/, 'bcrypt'],
  [/^\$argon2id\$/, 'argon2id'],
  [/^\$argon2i\$/, 'argon2i'],
];

export async function* readUsersFile(file: string): AsyncGenerator<OwnUser | Refused> {
  const lines = /\.(?:jsonl|ndjson|json)$/i.test(file) ? readJsonLines(file) : readCsv(file);
  try {
    for await (const { line, record } of lines) yield toUser(line, record);
  } catch (error) {
    if (error instanceof SyncError) throw error;
    throw new SyncError('usage.invalid', `${file} cannot be read: ${messageOf(error)}.`);
  }
}

interface Line {
  line: number;
  /** Undefined: the line is no object. */
  record: JsonRecord | undefined;
}

async function* readCsv(file: string): AsyncGenerator<Line> {
  const parser = parse({
    columns: checkHeader,
    bom: true,
    trim: true,
    skip_empty_lines: true,
    info: true,
  });
  // Unlike `pipe` it hands on that the file cannot be read; the loop below throws it.
  pipeline(createReadStream(file), parser, () => undefined);
  for await (const { record, info } of parser as AsyncIterable<CsvRow>) {
    yield { line: info.lines, record };
  }
}

interface CsvRow {
  record: JsonRecord;
  info: { lines: number };
}

function checkHeader(header: string[]): string[] {
  const names = header.map((name) => name.trim().toLowerCase());
  const missing = ['id', 'email'].filter((name) => !names.includes(name));
  const unknown = names.filter((name) => !FIELDS.some((field) => field === name));
  if (missing.length === 0 && unknown.length === 0) return names;
  const problem =
    missing.length > 0 ? `has no column ${missing.join(', ')}` : `has columns that are not known`;
  throw new SyncError(
    'usage.invalid',
    `The file's first line ${problem}. It names the columns, of these: ${FIELDS.join(', ')}.`,
  );
}

async function* readJsonLines(file: string): AsyncGenerator<Line> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  let line = 0;
  for await (const text of lines) {
    line++;
    if (text.trim() === '') continue;
    yield { line, record: parseObject(text) };
  }
}

function parseObject(text: string): JsonRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function toUser(line: number, record: JsonRecord | undefined): OwnUser | Refused {
  if (!record) return { line, reason: 'is not a JSON object' };
  const read = (name: (typeof FIELDS)[number]) => readField(record[name]);
  const id = read('id');
  const email = read('email');
  if (!id) return { line, reason: 'has no id' };
  if (!email || !/^[^\s@]+@[^\s@]+$/.test(email))
    return { line, id, reason: 'has no email address' };
  const createdAt = readCreatedAt(read('created_at'));
  if (createdAt === null)
    return { line, id, reason: 'created_at is not a time such as 2024-01-31T12:00:00Z' };
  const password = readPassword(read('password_hash'), read('password_hasher'));
  if (password === null) {
    return {
      line,
      id,
      reason: 'password_hash does not say what made it: name it in password_hasher, as Clerk does',
    };
  }
  const optional = {
    firstName: read('first_name'),
    lastName: read('last_name'),
    username: read('username'),
    role: read('role'),
    createdAt,
    password,
  };
  const given = Object.entries(optional).filter(([, value]) => value !== undefined);
  return { line, id, email, ...Object.fromEntries(given) };
}

/** Numbers, too: many teams have numbers for ids. */
function readField(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

function readCreatedAt(text: string | undefined): Date | undefined | null {
  if (text === undefined) return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? null : date;
}

function readPassword(
  digest: string | undefined,
  named: string | undefined,
): OwnUser['password'] | null {
  if (digest === undefined) return undefined;
  const hasher = named ?? HASHERS.find(([pattern]) => pattern.test(digest))?.[1];
  return hasher === undefined ? null : { digest, hasher };
}
