import { COMMANDS } from '../../src/commands/index.js';
import { CHILDREN } from '../../src/system/children.js';

/** Every NAME of `./run.mjs NAME`. */
export const IMAGE_NAMES: readonly string[] = [
  ...CHILDREN.map(({ name }) => name),
  ...Object.keys(COMMANDS),
];

/**
 * What a container is told to run, as words or as one line.
 * @throws Error unless it is `./run.mjs` and the name of a process or a command of ours, which is returned.
 */
export function readImageCommand(command: readonly string[] | string | undefined): string {
  const words = typeof command === 'string' ? command.split(' ') : (command ?? []);
  const [program, name = ''] = words;
  if (program === './run.mjs' && IMAGE_NAMES.includes(name)) return name;
  throw new Error(`Nothing in the image is started by: ${words.join(' ')}`);
}
