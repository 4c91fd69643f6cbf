/** What a person sees of a running system: lines, each with the name of who said it. */
import { createInterface } from 'node:readline';
import { type Readable, type Writable } from 'node:stream';
import { styleText } from 'node:util';

export interface Terminal {
  colour: boolean;
  print: (text: string) => void;
  /** Says what `npm start` itself is doing. */
  note: (line: string) => void;
  complain: (text: string) => void;
  /** Passes on a part's output, line by line. */
  relay: (name: string, output: Streams) => void;
}

export interface Streams {
  stdout: Readable;
  stderr: Readable;
}

const COLOURS = ['cyan', 'magenta', 'blue', 'green', 'yellow'] as const;
const NAME_WIDTH = 6;

export function createTerminal(
  streams: { stdout: Writable; stderr: Writable },
  colour: boolean,
): Terminal {
  const seen = new Map<string, (typeof COLOURS)[number]>();
  const write = (stream: Writable, text: string) => void stream.write(`${text}\n`);
  const prefix = (name: string) => {
    const next = COLOURS[seen.size % COLOURS.length] ?? 'cyan';
    const shade = seen.get(name) ?? next;
    seen.set(name, shade);
    const label = `${name.padEnd(NAME_WIDTH)} |`;
    return colour ? styleText(shade, label) : label;
  };
  return {
    colour,
    print: (text) => write(streams.stdout, text),
    note: (line) => write(streams.stdout, `${prefix('system')} ${line}`),
    complain: (text) => write(streams.stderr, colour ? styleText('red', text) : text),
    relay: (name, output) => {
      for (const stream of ['stdout', 'stderr'] as const) {
        createInterface({ input: output[stream] }).on('line', (line) =>
          write(streams[stream], `${prefix(name)} ${line}`),
        );
      }
    },
  };
}
