/** Whether a value is what a package's TypeScript declarations say, unknown names included, as the compiler sees it when it stands in a source. */
import path from 'node:path';
import ts from 'typescript';

export interface TypedValue {
  /** Shown in what is found. */
  name: string;
  /** The module and the name of the type that it exports. */
  module: string;
  type: string;
  value: unknown;
}

const ROOT = path.resolve(import.meta.dirname, '../..');
const FILE = path.join(ROOT, 'tests/support/values.ts');

/** @returns what the compiler objects to, each with the value's name. One program for all: it reads the declarations once. */
export function checkTypes(values: readonly TypedValue[]): string[] {
  const lines = values.flatMap(({ module, type, value }, i) => [
    `import { type ${type} as T${i} } from '${module}';`,
    `export const v${i}: T${i} = ${JSON.stringify(value)};`,
  ]);
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (file) => file === FILE || fileExists(file);
  host.getSourceFile = (file, language) =>
    file === FILE
      ? ts.createSourceFile(file, lines.join('\n'), language)
      : getSourceFile.call(host, file, language);
  const program = ts.createProgram([FILE], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file?.getLineAndCharacterOfPosition(start).line ?? 0;
    const name = values[Math.floor(line / 2)]?.name ?? '';
    return `${name}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}
