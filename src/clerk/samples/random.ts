/** Reproducible chance: all that a sample draws comes from a stream made here or from the caller's own. */
import { createHash } from 'node:crypto';

export type Random = () => number;

/** An endless stream of numbers from 0 up to, but not including, 1. The same seed gives the same stream. */
export function seededRandom(seed: number | string): Random {
  const digest = createHash('sha256').update(String(seed)).digest();
  // sfc32, 128 bits of state: with 32 bits, a hundred thousand seeds would already share streams, hence ids.
  let a = digest.readUInt32LE(0);
  let b = digest.readUInt32LE(4);
  let c = digest.readUInt32LE(8);
  let counter = digest.readUInt32LE(12);
  return () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
}

/** An id as Clerk writes them: the prefix, `_` and 27 base62 characters, of which the first is 2 in our years. */
export function sampleId(prefix: string, random: Random = Math.random): string {
  return `${prefix}_2${drawText(random, 26)}`;
}

/** The id that belongs to `seed` for good, such as `user_2aB…/email`: two events about one entity agree on it. */
export function deriveId(prefix: string, seed: string): string {
  return sampleId(prefix, seededRandom(`${prefix}:${seed}`));
}

/** A whole number from 0 to `count - 1`. */
export function drawIndex(random: Random, count: number): number {
  return Math.min(count - 1, Math.floor(random() * count));
}

export function drawDigits(random: Random, length: number): string {
  return Array.from({ length }, () => drawIndex(random, 10)).join('');
}

export function drawText(random: Random, length: number): string {
  return Array.from({ length }, () => BASE62.charAt(drawIndex(random, 62))).join('');
}

/** Draws once, whatever the odds: what is drawn after it does not shift. */
export function drawChance(random: Random, odds: number): boolean {
  return random() < odds;
}

export function drawOne<const T extends readonly [unknown, ...unknown[]]>(
  random: Random,
  list: T,
): T[number] {
  return list[drawIndex(random, list.length)] ?? list[0];
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
