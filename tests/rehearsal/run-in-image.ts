/** Runs a command as a container of the image would: its folder and variables, its user, and nothing that it may write to. */
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { type Image } from './build-image.js';

export interface Running {
  child: ChildProcess;
  /** All it has printed so far. */
  output: () => string;
  /** Null after a signal that nobody handled. */
  exited: Promise<number | null>;
}

/** Node itself refuses to open anything for writing, wherever it is. The flag lost a prefix in Node 22.13, and gained a part in 25. */
const isKnown = (flag: string) => process.allowedNodeEnvironmentFlags.has(flag);
const READ_ONLY = [
  isKnown('--permission') ? '--permission' : '--experimental-permission',
  '--allow-fs-read=*',
  ...(isKnown('--allow-net') ? ['--allow-net'] : []),
].join(' ');

export function runInImage(
  image: Image,
  [program = '', ...words]: readonly string[],
  settings: Record<string, string> = {},
): Running {
  const directory = path.join(image.root, image.directory);
  const file = program.includes('/') ? path.resolve(directory, program) : program;
  const [uid, gid] = image.user.split(':').map(Number);
  const child = spawn(file, words, {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Only root may become somebody else; anybody else is not root already.
    ...(process.getuid?.() === 0 ? { uid, gid } : {}),
    env: {
      PATH: process.env['PATH'],
      NODE_OPTIONS: READ_ONLY,
      ...image.environment,
      ...settings,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  }
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { child, output: () => output, exited };
}
