/** Puts the tables that are computed in their place in docs/scaling.md; the rest of it is written by hand. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Results } from '../results.js';
import { readSizes, type Sizes } from '../sizes.js';
import { fillBlocks } from './fill-blocks.js';
import { renderSizing } from './render-sizing.js';

export const SCALING = path.resolve(import.meta.dirname, '../../docs/scaling.md');

/** @returns the path of what was written. */
export function writeScaling(results: Results | undefined): string {
  const sizes = readSizes();
  if (sizes) writeFileSync(SCALING, fillScaling(readFileSync(SCALING, 'utf8'), { results, sizes }));
  return path.relative(path.resolve(import.meta.dirname, '../..'), SCALING);
}

/** The document with its tables anew. */
export function fillScaling(
  text: string,
  figures: { results: Results | undefined; sizes: Sizes },
): string {
  return fillBlocks(text, renderSizing(figures));
}
