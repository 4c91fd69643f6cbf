import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { type Image } from './build-image.js';

/** What each part of the application's folder takes, in megabytes, the largest first. Without the base image. */
export function measureImage({ root, directory }: Image): { part: string; megabytes: number }[] {
  const home = path.join(root, directory);
  return readdirSync(home)
    .map((part) => ({ part, megabytes: sizeOf(path.join(home, part)) / 1e6 }))
    .sort((a, b) => b.megabytes - a.megabytes);
}

function sizeOf(place: string): number {
  const found = lstatSync(place);
  if (!found.isDirectory()) return found.size;
  return readdirSync(place).reduce((sum, name) => sum + sizeOf(path.join(place, name)), 0);
}
