/** A Chromium of the machine's own: none comes with the packages. */
import { existsSync } from 'node:fs';
import path from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const NO_BROWSER = `
******************************************************************************
  No Chromium was found (${NAMES.join(', ')}),
  so THE BOARD IS NOT TRIED IN A BROWSER. To try it: apt-get install chromium.
******************************************************************************
`;

/** @returns the path of the program; undefined, with a loud word, when there is none. @throws under CI=true then. */
export function findBrowser(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  const candidates = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  const found = candidates.find((file) => existsSync(file));
  if (found === undefined) {
    process.stderr.write(NO_BROWSER);
    if (process.env['CI'] === 'true') throw new Error('No Chromium was found.');
  }
  return found;
}
