/** A Dockerfile as data: its stages, and of each what it does in order. Knows the instructions that ours has; any other is an error. */
import { Copy, DockerfileParser, From, Healthcheck, type Instruction } from 'dockerfile-ast';

export interface Stage {
  name: string | undefined;
  /** An image, or the name of an earlier stage. */
  base: string;
  steps: Step[];
}

export type Step =
  | { kind: 'copy'; from: string | undefined; sources: string[]; target: string }
  | { kind: 'run'; command: string }
  | { kind: 'environment'; variables: Record<string, string> }
  | { kind: 'directory'; path: string }
  | { kind: 'user'; user: string }
  | { kind: 'command'; words: string[] }
  | { kind: 'health'; words: string[]; options: Record<string, string> }
  | { kind: 'note'; keyword: string; words: string[] };

/** What changes nothing that a rehearsal could see. */
const NOTES = ['LABEL', 'EXPOSE', 'STOPSIGNAL'];

export function readDockerfile(text: string): Stage[] {
  const stages: Stage[] = [];
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    if (instruction instanceof From) {
      const [name, base] = [instruction.getBuildStage(), instruction.getImage()];
      stages.push({ name: name ?? undefined, base: base ?? '', steps: [] });
      continue;
    }
    const stage = stages.at(-1);
    if (!stage) throw new Error(`${instruction.getKeyword()} stands before the first FROM.`);
    stage.steps.push(readStep(instruction));
  }
  return stages;
}

function readStep(instruction: Instruction): Step {
  const keyword = instruction.getKeyword();
  const words = instruction.getArguments().map((argument) => argument.getValue());
  const content = instruction.getArgumentsContent() ?? '';
  if (instruction instanceof Copy) return readCopy(instruction, words);
  if (keyword === 'RUN') return { kind: 'run', command: content.replace(/\\\n/g, ' ') };
  if (keyword === 'ENV') return { kind: 'environment', variables: readVariables(words) };
  if (keyword === 'WORKDIR') return { kind: 'directory', path: content };
  if (keyword === 'USER') return { kind: 'user', user: content };
  if (keyword === 'CMD') return { kind: 'command', words: readWords(content) };
  if (instruction instanceof Healthcheck) return readHealth(instruction, content);
  if (NOTES.includes(keyword)) return { kind: 'note', keyword, words };
  throw new Error(`Nobody has taught the rehearsal what ${keyword} does.`);
}

function readCopy(copy: Copy, words: string[]): Step {
  for (const flag of copy.getFlags()) {
    if (flag.getName() !== 'from') throw new Error(`COPY --${flag.getName()} is not known here.`);
  }
  const target = words.at(-1) ?? '';
  return {
    kind: 'copy',
    from: copy.getFromFlag()?.getValue() ?? undefined,
    sources: words.slice(0, -1),
    target,
  };
}

function readVariables(words: string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(word) ?? [];
      return [name, value];
    }),
  );
}

function readHealth(health: Healthcheck, content: string): Step {
  return {
    kind: 'health',
    words: readWords(content.replace(/^CMD\s+/, '')),
    options: Object.fromEntries(
      health.getFlags().map((flag) => [flag.getName(), flag.getValue() ?? '']),
    ),
  };
}

/** Only as a list: a shell would stand between a signal and the process. */
function readWords(content: string): string[] {
  try {
    return JSON.parse(content) as string[]; // a list of words, or Docker takes it for a line of shell
  } catch {
    throw new Error(`Not a list of words: ${content}`);
  }
}
