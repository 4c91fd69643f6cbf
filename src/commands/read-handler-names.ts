import { SyncError } from '../errors.js';
import { type KnownHandlers } from './command.js';

/** `a,b`: each once. @throws SyncError `usage.invalid` for a handler that the table does not have. */
export function readHandlerNames(text: string, { names }: KnownHandlers): string[] {
  const asked = [...new Set(text.split(',').map((name) => name.trim()))];
  const unknown = asked.find((name) => !names.includes(name));
  if (unknown === undefined) return asked;
  const cause = unknown === '' ? '--handlers names nothing.' : `There is no handler "${unknown}".`;
  const choice = names.length > 0 ? `Choose among ${names.join(', ')}` : 'There are none';
  throw new SyncError('usage.invalid', `${cause} ${choice} (src/handlers/index.ts).`);
}
