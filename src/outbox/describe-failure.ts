/** What may be kept of a handler's failure: a short text that quotes nobody, and the lines of code that it came from. Pure. */
import { describeFault } from '../db/faults.js';
import { messageOf } from '../errors.js';
import { collectHidden, maskStack, maskText } from '../masking.js';
import { isRecord } from '../record.js';

/** For the row, the log and the queue. */
export class HandlerFailure extends Error {
  override readonly name = 'HandlerFailure';
}

const LONGEST_REASON = 300;
const MOST_FRAMES = 10;

/** @param payload of the event: whatever it says of people is masked in what the handler says. */
export function describeFailure(error: unknown, payload: unknown): HandlerFailure {
  const hidden = collectHidden(payload);
  const words = maskText(wordsOf(error), hidden)
    .replace(/[\s\0]+/g, ' ')
    .trim();
  const reason =
    words.slice(0, LONGEST_REASON).toWellFormed() || 'The handler failed, and did not say why.';
  const stack = error instanceof Error ? maskStack(error.stack ?? '', hidden) : '';
  const frames = stack.split('\n').filter((line) => /^ +at /.test(line));
  const failure = new HandlerFailure(reason);
  failure.stack = [reason, ...frames.slice(0, MOST_FRAMES)].join('\n');
  return failure;
}

function wordsOf(error: unknown): string {
  // Prisma's own words repeat what it was asked for.
  if (error instanceof Error && error.name.startsWith('PrismaClient')) return describeFault(error);
  const cause = error instanceof Error ? error.cause : undefined;
  const code = isRecord(cause) && typeof cause['code'] === 'string' ? ` (${cause['code']})` : '';
  return messageOf(error) + code;
}
