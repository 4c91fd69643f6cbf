import { classifyFault, describeFault } from '../../db/faults.js';
import { messageOf } from '../../errors.js';

/** What a person may read of it: no rows, no URL with a password. */
export function explain(error: unknown): string {
  const message = messageOf(error);
  // pg's words for it are about its own arguments.
  if (message.startsWith('SASL: ')) return 'it asks for a password, and the URL has none';
  const words = classifyFault(error) === undefined ? message : describeFault(error);
  // Prisma's are a sentence about its own function, with the cause at the end.
  const cause = /Message: `([^`]+)`/.exec(words)?.[1] ?? words;
  return cause.replace(/\/\/[^@\s/]*@/g, '//…@').replace(/\.$/, '');
}
