/** That the compiler refuses what `tests/types/handlers.ts` calls a mistake, each where it stands, and nothing else; and takes what docs/handlers.md tells people to write. */
import path from 'node:path';
import ts from 'typescript';
import { collectFiles, readHandlersDocument } from '../support/handlers-document.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const MISTAKES = 'tests/types/handlers.ts';
const EXPECTATION = /^ *\/\/ @ts-expect-error -- .*$/;

const lines = (ts.sys.readFile(path.join(ROOT, MISTAKES)) ?? '').split('\n');
const bare = lines.map((line) => (EXPECTATION.test(line) ? '//' : line)).join('\n');
const documented = collectFiles(readHandlersDocument());
let faults: Map<string, string[]>;

beforeAll(() => {
  faults = compile(new Map([[MISTAKES, bare], ...documented]));
}, 60_000);

test('a handler under an event whose data it does not fit does not compile', () => {
  const mistakes = lines.flatMap((line, index) => (EXPECTATION.test(line) ? [index + 1] : []));
  expect(mistakes.length).toBeGreaterThan(10);
  const found = faults.get(MISTAKES)?.map((fault) => parseInt(fault, 10)) ?? [];
  expect([...new Set(found)].sort((a, b) => a - b)).toEqual(mistakes);
});

test('the code of docs/handlers.md compiles', () => {
  expect(documented.size).toBeGreaterThan(5);
  for (const file of documented.keys()) expect([file, faults.get(file)]).toEqual([file, []]);
});

/**
 * @param texts by path: what stands there, whatever is on the disk.
 * @returns by path: the lines, from 0, at which the compiler finds fault, with what it says.
 */
function compile(texts: ReadonlyMap<string, string>): Map<string, string[]> {
  const { config } = ts.readConfigFile(
    path.join(ROOT, 'tsconfig.json'),
    ts.sys.readFile.bind(ts.sys),
  );
  const { options } = ts.parseJsonConfigFileContent(
    { ...config, include: [], files: [] },
    ts.sys,
    ROOT,
  );
  const find = (file: string) => texts.get(path.relative(ROOT, path.resolve(file)));
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.readFile = (file) => find(file) ?? readFile.call(host, file);
  host.fileExists = (file) => find(file) !== undefined || fileExists.call(host, file);
  host.getSourceFile = (file, ...rest) => {
    const text = find(file);
    if (text === undefined) return getSourceFile.call(host, file, ...rest);
    return ts.createSourceFile(file, text, rest[0]);
  };
  const roots = [...texts.keys()].map((file) => path.join(ROOT, file));
  const program = ts.createProgram(roots, options, host);
  return new Map(
    [...texts.keys()].map((file) => {
      const source = program.getSourceFile(path.join(ROOT, file));
      const found = ts.getPreEmitDiagnostics(program, source);
      return [file, found.map((fault) => explain(fault))];
    }),
  );
}

function explain({ file, start = 0, messageText }: ts.Diagnostic): string {
  const line = file?.getLineAndCharacterOfPosition(start).line ?? -1;
  return `${line} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
}
