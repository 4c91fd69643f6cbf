// `node scripts/draw-layers.mjs`: draws the picture of docs/architecture.md anew, from what src really imports. A test compares the two.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const page = path.join(root, 'docs/architecture.md');
const PLACE = /(?<=<!-- layers:begin -->\n\n)[^]*?(?=\n\n<!-- layers:end -->)/;

if (process.argv[1] === import.meta.filename) {
  writeFileSync(page, readFileSync(page, 'utf8').replace(PLACE, drawLayers()));
}

/** What the page shows now. */
export function readPicture() {
  return PLACE.exec(readFileSync(page, 'utf8'))?.[0];
}

/** Processes and folders of src, and who imports whom, as a mermaid graph. */
export function drawLayers() {
  const processes = new Set();
  const arrows = new Set();
  for (const { source, dependencies } of cruise()) {
    const folder = folderOf(source);
    for (const { resolved } of dependencies) {
      const to = folderOf(resolved);
      if (!to || to === folder) continue;
      // A file directly in src that imports a folder is a process: leaves import none.
      if (!folder) processes.add(source);
      arrows.add(`  ${folder ?? nodeOf(source)} --> ${to}`);
    }
  }
  const boxes = [...processes].map((file) => `  ${nodeOf(file)}([${path.basename(file)}])`);
  return ['```mermaid', 'flowchart TD', ...boxes.sort(), ...[...arrows].sort(), '```'].join('\n');
}

function folderOf(file) {
  return /^src\/(\w+)\//.exec(file)?.[1];
}

/** No folder's name: there is a folder `system`, too. */
function nodeOf(file) {
  return `process_${path.basename(file, '.ts')}`;
}

function cruise() {
  const bin = path.join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const output = execFileSync(process.execPath, [bin, 'src', '--output-type', 'json'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(output).modules;
}
