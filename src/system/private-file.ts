/** Files that hold secrets: readable by their owner alone, and never seen half-written. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

export function writePrivateFile(file: string, text: string): void {
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, text, { mode: 0o600, flush: true });
  renameSync(unfinished, file);
}

/** Makes the value once and keeps it. */
export function readOrCreatePrivateFile(file: string, create: () => string): string {
  if (!existsSync(file)) writePrivateFile(file, `${create()}\n`);
  return readFileSync(file, 'utf8').trim();
}
