/** Carries out what a Dockerfile says, in folders instead of layers, from what .dockerignore lets through. Base images are this machine's own Node. */
import ignore from '@balena/dockerignore';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { readDockerfile, type Stage, type Step } from './read-dockerfile.js';

export interface Image {
  /** The folder that stands for `/`. */
  root: string;
  directory: string;
  environment: Record<string, string>;
  user: string;
  command: string[];
  health: string[];
}

export interface BuildOptions {
  /** The folder with the Dockerfile. */
  context: string;
  /** An empty folder for what is built. */
  output: string;
  note: (line: string) => void;
}

/** @throws Error that names the step that could not be done, and why. */
export function buildImage({ context, output, note }: BuildOptions): Image {
  const stages = readDockerfile(readFileSync(path.join(context, 'Dockerfile'), 'utf8'));
  const built = new Map<string, Image>();
  let last: Image | undefined;
  for (const [index, stage] of stages.entries()) {
    last = buildStage(stage, { context, built, note, root: path.join(output, `${index}`) });
    built.set(stage.name ?? `${index}`, last);
  }
  if (!last) throw new Error('The Dockerfile has no stage.');
  return last;
}

interface StageOptions {
  context: string;
  built: ReadonlyMap<string, Image>;
  root: string;
  note: (line: string) => void;
}

function buildStage({ base, steps }: Stage, { context, built, root, note }: StageOptions): Image {
  if (built.has(base)) throw new Error(`FROM ${base}: stages on stages are not known here.`);
  mkdirSync(root, { recursive: true });
  chmodSync(root, 0o755);
  const image: Image = {
    root,
    directory: '/',
    environment: {},
    user: 'root',
    command: [],
    health: [],
  };
  for (const step of steps) {
    if (step.kind === 'directory') {
      image.directory = path.posix.resolve(image.directory, step.path);
      mkdirSync(path.join(root, image.directory), { recursive: true });
    } else if (step.kind === 'copy') {
      note(`copy ${step.sources.join(' ')}`);
      copy(step, { image, context, built });
    } else if (step.kind === 'run') {
      note(`run ${step.command}`);
      run(step.command, image);
    } else if (step.kind === 'environment') Object.assign(image.environment, step.variables);
    else if (step.kind === 'user') image.user = step.user;
    else if (step.kind === 'command') image.command = step.words;
    else if (step.kind === 'health') image.health = step.words;
  }
  return image;
}

type Copying = Extract<Step, { kind: 'copy' }>;

interface CopyOptions {
  image: Image;
  context: string;
  built: ReadonlyMap<string, Image>;
}

function copy({ from, sources, target }: Copying, { image, context, built }: CopyOptions): void {
  const earlier = from === undefined ? undefined : built.get(from);
  if (from !== undefined && !earlier) throw new Error(`COPY --from=${from}: no such stage.`);
  const origin = earlier?.root ?? context;
  const isLetThrough = earlier ? () => true : readIgnored(context);
  const goal = path.join(image.root, path.posix.resolve(image.directory, target));
  const isFolder = /(^|\/)\.?$/.test(target);
  if (sources.length > 1 && !isFolder) throw new Error(`COPY … ${target}: must end in a slash.`);
  for (const source of sources) {
    const file = path.join(origin, source);
    const copied = listFiles(file).filter((name) => isLetThrough(path.relative(origin, name)));
    if (copied.length === 0) throw new Error(`COPY ${source}: it is not there, or ignored.`);
    const isTree = statSync(file).isDirectory();
    const place = isTree || !isFolder ? goal : path.join(goal, path.basename(source));
    for (const name of copied) {
      // A link as such: npm's lead from one package to another.
      cpSync(name, path.join(place, path.relative(file, name)), { verbatimSymlinks: true });
    }
  }
}

/** Docker's own reading of .dockerignore. */
function readIgnored(context: string): (file: string) => boolean {
  const rules = ignore.default().add(readFileSync(path.join(context, '.dockerignore'), 'utf8'));
  return (file) => !rules.ignores(file);
}

/** Files and links; the file itself when it is one, nothing when it is not there. */
function listFiles(place: string): string[] {
  if (!existsSync(place)) return [];
  if (!statSync(place).isDirectory()) return [place];
  return readdirSync(place, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

function run(command: string, image: Image): void {
  const { PATH, HOME } = process.env;
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', command], {
    cwd: path.join(image.root, image.directory),
    // What this machine's own npm ci has fetched already is not asked for again.
    env: { PATH, HOME, npm_config_prefer_offline: 'true', ...image.environment },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`RUN ${command} ended with ${status}:\n${stdout}${stderr}`);
}
