/** Reads what is stored and written by hand, and puts the document in its place. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PROFILED, readProfile } from '../profile/profile-process.js';
import { type Results } from '../results.js';
import { PICTURES, renderDocument, type Files } from './render-document.js';
import { writeReadme } from './write-readme.js';
import { writeScaling } from './write-scaling.js';

export const DOCS = path.resolve(import.meta.dirname, '../../docs');
const PROSE = path.join(import.meta.dirname, 'prose');

/** @returns the paths of what was written. Pictures of what is no longer measured are removed. */
export function writeReport(results: Results): string[] {
  const files = renderReport(results);
  rmSync(path.join(DOCS, PICTURES), { recursive: true, force: true });
  mkdirSync(path.join(DOCS, PICTURES), { recursive: true });
  for (const [name, text] of files) writeFileSync(path.join(DOCS, name), text);
  const documents = [...files.keys()].map((name) => path.join('docs', name));
  return [...documents, writeScaling(results), writeReadme(results)];
}

/** What the document and its pictures should be. */
export function renderReport(results: Results): Files {
  const profiles = PROFILED.flatMap((name) => readProfile(name) ?? []);
  return renderDocument({ results, profiles, prose: readProse() });
}

function readProse(): Map<string, string> {
  const files = readdirSync(PROSE).filter((name) => name.endsWith('.md'));
  return new Map(
    files.map((name) => [
      path.basename(name, '.md'),
      readFileSync(path.join(PROSE, name), 'utf8').trim(),
    ]),
  );
}
