/** Events to send: realistic, of known sizes, each with an id of its own, and as quick to make as to copy. Same options, same events. */
import { createHash } from 'node:crypto';
import {
  fillTemplate,
  findTemplates,
  type EventSize,
  type Template,
  type Templates,
  type UserEvent,
} from './event-templates.js';

export interface BenchEvent {
  /** The svix-id, unique by seed and place in the stream. As Svix's do, later ones sort later, by and large. */
  id: string;
  type: UserEvent;
  /** The envelope as JSON text. */
  body: string;
  /** `data.id`. */
  entityId: string;
  /** `data.updated_at` and the envelope's `timestamp`, in ms: every event of a stream is younger than those before it. */
  updatedAt: number;
}

export interface EventOptions {
  /** Streams with different seeds share no id, neither of an event nor of a user. */
  seed: string;
  count: number;
  /** Share by size; they need not add up to anything. Default MIXED_SIZES. */
  sizes?: Shares;
  /**
   * Each event is an update of any of this many users, from `userIdAt(seed, 0)` on. Default: each is about a user of its own,
   * `userIdAt(seed, n)` for the nth event, and half of them are user.created.
   */
  users?: number;
}

export type Shares = Readonly<Partial<Record<EventSize, number>>>;

export const MIXED_SIZES = { '1 kB': 15, '3 kB': 80, '20 kB': 5 } as const satisfies Shares;

const FIRST_UPDATE_MS = Date.UTC(2026, 0, 1);
/** Svix's ids begin with a time in seconds, which so many events share. */
const EVENTS_PER_SECOND = 1_000;

/** A stream: a million events take no more memory than one. */
export function* createEvents(options: EventOptions): Generator<BenchEvent, void, undefined> {
  const { seed, count, sizes = MIXED_SIZES, users } = options;
  const chooseSize = createChoice(sizes);
  for (let index = 0; index < count; index += 1) {
    const chance = digest(`${seed}/event ${index}`);
    const entityId = userIdAt(seed, users ? chance.readUInt32LE(0) % users : index);
    const size = chooseSize(chance.readUInt32LE(4) / 2 ** 32);
    const type = users || chance.readUInt8(8) % 2 === 1 ? 'user.updated' : 'user.created';
    const template = pick(findTemplates(size, type), chance.readUInt8(9));
    const updatedAt = FIRST_UPDATE_MS + index;
    const body = fillTemplate(template, { entityId, updatedAt, serial: index });
    yield { id: messageIdAt(index, chance), type, body, entityId, updatedAt };
  }
}

export function userIdAt(seed: string, index: number): string {
  return `user_2${toBase62(digest(`${seed}/user ${index}`), 26)}`;
}

function messageIdAt(index: number, chance: Buffer): string {
  const second = Math.floor(index / EVENTS_PER_SECOND).toString(36);
  return `msg_2${second.padStart(5, '0')}${toBase62(chance, 21)}`;
}

/** @returns a function from a number between 0 and 1 to a size. */
function createChoice(shares: Shares): (chance: number) => EventSize {
  const sizes = Object.entries(shares) as [EventSize, number][]; // its keys are of that type
  const total = sizes.reduce((sum, [, share]) => sum + share, 0);
  return (chance) => {
    let left = chance * total;
    const found = sizes.find(([, share]) => (left -= share) < 0);
    if (!found) throw new Error('The shares of the sizes of events are empty.');
    return found[0];
  };
}

function pick(templates: Templates, chance: number): Template {
  return templates[chance % templates.length] ?? templates[0];
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function toBase62(bytes: Buffer, length: number): string {
  let text = '';
  for (let index = 0; index < length; index += 1) text += BASE62.charAt((bytes[index] ?? 0) % 62);
  return text;
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
