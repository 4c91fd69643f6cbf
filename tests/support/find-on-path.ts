import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** A program's file; one that is named with its folder is looked for there alone. */
export function findOnPath(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  return (path.isAbsolute(program) ? [''] : folders)
    .map((folder) => path.join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
