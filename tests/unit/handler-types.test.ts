/** That the compiler refuses what `tests/types/handlers.ts` calls a mistake: each where it stands, and nothing else. */
import path from 'node:path';
import ts from 'typescript';

const ROOT = path.resolve(import.meta.dirname, '../..');
const FILE = path.join(ROOT, 'tests/types/handlers.ts');
const EXPECTATION = /^ *\/\/ @ts-expect-error -- .*$/;

test('a handler under an event whose data it does not fit does not compile', () => {
  const lines = (ts.sys.readFile(FILE) ?? '').split('\n');
  const mistakes = lines.flatMap((line, index) => (EXPECTATION.test(line) ? [index + 1] : []));
  expect(mistakes.length).toBeGreaterThan(10);
  const bare = lines.map((line) => (EXPECTATION.test(line) ? '//' : line)).join('\n');
  expect(compile(bare)).toEqual(mistakes);
}, 60_000);

/** @returns the lines, from 0, at which the compiler finds fault with `text` in the place of the file. */
function compile(text: string): number[] {
  const { config } = ts.readConfigFile(
    path.join(ROOT, 'tsconfig.json'),
    ts.sys.readFile.bind(ts.sys),
  );
  const { options } = ts.parseJsonConfigFileContent(
    { ...config, include: [], files: [] },
    ts.sys,
    ROOT,
  );
  const host = ts.createCompilerHost(options);
  const readFile = host.readFile.bind(host);
  host.readFile = (file) => (path.resolve(file) === FILE ? text : readFile(file));
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (file, ...rest) =>
    path.resolve(file) === FILE
      ? ts.createSourceFile(file, text, rest[0])
      : getSourceFile(file, ...rest);
  const program = ts.createProgram([FILE], options, host);
  const source = program.getSourceFile(FILE);
  const found = ts.getPreEmitDiagnostics(program, source);
  return [
    ...new Set(
      found.map(({ start = 0 }) => source?.getLineAndCharacterOfPosition(start).line ?? -1),
    ),
  ].sort((a, b) => a - b);
}
