#!/usr/bin/env -S node --max-semi-space-size=64
// Production: `./run.mjs NAME [ARGUMENTS]` runs a process (ingest, worker, board) or a command from dist/, as `npm run build` left it. Needs no devDependencies.
import { existsSync } from 'node:fs';

const PROCESSES = ['ingest', 'worker', 'board'];
const [name] = process.argv.slice(2);

// The first process of a container has no default for these: without this a command, or a process that still starts, could not be stopped.
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
]) {
  process.on(signal, () => {
    if (process.listenerCount(signal) === 1) process.exit(128 + number);
  });
}

if (!existsSync(new URL('dist/cli.js', import.meta.url))) {
  console.error('There is no dist/. Run `npm ci && npm run build` first.');
  process.exit(2);
}
if (name === undefined) {
  console.error(`Usage: ./run.mjs NAME [ARGUMENTS]. NAME is ${PROCESSES.join(', ')} or a command.`);
  process.exit(2);
}
await import(PROCESSES.includes(name) ? `./dist/${name}.js` : './dist/cli.js');
