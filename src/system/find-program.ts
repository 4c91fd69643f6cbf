/** Whether a program is installed. */
import { existsSync } from 'node:fs';
import path from 'node:path';

export function hasProgram(name: string, searchPath = ''): boolean {
  return searchPath.split(path.delimiter).some((folder) => existsSync(path.join(folder, name)));
}
