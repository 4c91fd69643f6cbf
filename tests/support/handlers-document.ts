/** The code of docs/handlers.md: what it tells people to write, as files. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface CodeBlock {
  /** Where the document says that it belongs, in its first line. */
  file: string;
  /** Without that line. */
  code: string;
}

const DOCUMENT = path.resolve(import.meta.dirname, '../../docs/handlers.md');
const FENCE = /^( *)```ts\n *\/\/ (\S+\.ts)\n([^]*?)^\1```$/gm;

/** In the document's order; a file that it shows twice comes twice. */
export function readHandlersDocument(): CodeBlock[] {
  const text = readFileSync(DOCUMENT, 'utf8');
  const found = [...text.matchAll(FENCE)].map(([, indent = '', file = '', code = '']) => ({
    file,
    code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }));
  const fences = text.match(/^ *```ts$/gm)?.length ?? 0;
  if (found.length !== fences)
    throw new Error('A block of code does not say in which file it belongs.');
  return found;
}

/** By file, each as the document shows it last. */
export function collectFiles(blocks: readonly CodeBlock[]): Map<string, string> {
  return new Map(blocks.map(({ file, code }) => [file, code]));
}
