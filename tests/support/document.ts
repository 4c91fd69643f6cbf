/** A document as somebody follows it: its chapters, and the blocks of code in them. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { anchorOf } from '../../bench/report/markdown.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const BLOCK = /^( *)```(\w*)\n([^]*?)^\1```$/gm;

export interface Block {
  /** `sh`, `sql`, …; empty: none was given. */
  language: string;
  text: string;
}

/** Every document, by its path from the project's folder on. */
export function listDocuments(): string[] {
  const docs = readdirSync(path.join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join('docs', name));
  return ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...docs];
}

/** Where a link into the document may lead: its headings, and the anchors that it sets. `file` from the project's folder on. */
export function readAnchors(file: string): Set<string> {
  const text = readFileSync(path.resolve(ROOT, file), 'utf8').replaceAll(BLOCK, '');
  const headings = [...text.matchAll(/^#+ +(.+)$/gm)].map(([, heading = '']) =>
    anchorOf(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')),
  );
  const anchors = [...text.matchAll(/<a id="([^"]+)"/g)].map(([, id = '']) => id);
  return new Set([...headings, ...anchors]);
}

/** By their headings, `##` and below; what comes before the first of them stands under an empty one. `file` from the project's folder on. */
export function readChapters(file: string): Map<string, Block[]> {
  const parts = readFileSync(path.resolve(ROOT, file), 'utf8').split(/^#{2,} +(.+)$/m);
  const chapters = new Map([['', readBlocks(parts[0] ?? '')]]);
  for (let i = 1; i < parts.length; i += 2) {
    chapters.set(parts[i] ?? '', readBlocks(parts[i + 1] ?? ''));
  }
  return chapters;
}

/** @param start how its heading begins. */
export function readChapter(file: string, start: string): Block[] {
  const found = [...readChapters(file)].find(([heading]) => heading.startsWith(start));
  if (!found) throw new Error(`${file} has no chapter "${start}…".`);
  return found[1];
}

/** Those in lists are indented. */
function readBlocks(text: string): Block[] {
  return [...text.matchAll(BLOCK)].map(([, indent = '', language = '', body = '']) => ({
    language,
    text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }));
}
