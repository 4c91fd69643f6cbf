/** Puts the figures in their place in README; the rest of it is written by hand. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Results } from '../results.js';
import { fillBlocks } from './fill-blocks.js';
import { renderHeadlines } from './render-headlines.js';

export const README = path.resolve(import.meta.dirname, '../../README.md');

/** @returns the path of what was written. */
export function writeReadme(results: Results): string {
  writeFileSync(README, fillReadme(readFileSync(README, 'utf8'), results));
  return path.basename(README);
}

/** The page with its figures anew. */
export function fillReadme(text: string, results: Results): string {
  return fillBlocks(text, { figures: renderHeadlines(results) });
}
