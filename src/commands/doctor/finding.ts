/** What a check finds. Pure. */

/** `skipped`: could not be asked, or is nothing to ask for here. Only `bad` makes the doctor fail. */
export type Status = 'ok' | 'warn' | 'bad' | 'skipped';

export interface Finding {
  status: Status;
  found: string;
  cure?: string;
}

export const ok = (found: string): Finding => ({ status: 'ok', found });
export const warn = (found: string, cure: string): Finding => ({ status: 'warn', found, cure });
export const bad = (found: string, cure: string): Finding => ({ status: 'bad', found, cure });
export const skipped = (found: string): Finding => ({ status: 'skipped', found });

/** Our messages say the cause first and the cure after it, in another sentence or behind a colon. */
export function toFinding(status: 'warn' | 'bad', message: string): Finding {
  const parts = /^(.+?)(?:\.\s+(?=[A-Z`])|:\s+(?=(?:set|grant) ))(.+)$/s.exec(message);
  const [, found = message.replace(/\.$/, ''), cure = ''] = parts ?? [];
  return cure ? { status, found, cure: capitalise(cure) } : { status, found };
}

function capitalise(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
