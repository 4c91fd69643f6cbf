/** The person at the other end: how wide their terminal is, whether it has colours, and what they answer. */
import { createInterface } from 'node:readline';
import { type Readable, type Writable } from 'node:stream';
import { styleText } from 'node:util';
import { type Environment } from '../environment.js';

export interface Terminal {
  /** Columns; Infinity where no person reads along. */
  width: number;
  paint: Paint;
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
export type Paint = (style: Style, text: string) => string;

type Output = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>;

const DEFAULT_WIDTH = 80;

/** Colours on a terminal only, and not where NO_COLOR says so (no-color.org). */
export function describeTerminal(
  environment: Environment,
  output: Output = process.stdout,
): Terminal {
  const hasColours = output.isTTY && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
  return {
    width: output.isTTY ? output.columns || DEFAULT_WIDTH : Infinity,
    paint: (style, text) => (hasColours ? styleText(style, text, { validateStream: false }) : text),
  };
}

/** What would move the cursor, hide or reverse text comes out as its code: texts of others are shown, too. Line breaks included. */
export function toPlainText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}

interface Dialogue {
  input: Readable;
  output: Writable;
}

/** On stderr, so that output stays clean. Whatever is not a yes is a no, the end of the input too. */
export async function askYesNo(
  question: string,
  { input, output }: Dialogue = { input: process.stdin, output: process.stderr },
): Promise<boolean> {
  const lines = createInterface({ input, output, terminal: false });
  output.write(`${question} [y/N] `);
  try {
    for await (const line of lines) return /^\s*y(?:es)?\s*$/i.test(line);
    output.write('\n');
    return false;
  } finally {
    lines.close();
  }
}
