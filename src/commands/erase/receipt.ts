/** The receipt of an erasure: for people, and for programs. No personal data but the id. Pure. */
import { formatMoment } from '../format-time.js';
import { type Erasure } from './erase-person.js';

export interface Receipt extends Erasure {
  userId: string;
  isDryRun: boolean;
  asksClerk: boolean;
}

const NOT_COVERED = [
  'Clerk itself, and what Svix keeps of deliveries',
  'backups, replicas that lag, and the disk space that Postgres and Redis have not written over yet',
  'logs and copies outside of these tables',
  "what others' free texts say without an address or the id, such as a name in metadata",
  'events that name only an address of theirs, should Clerk send them anew: of a waitlist, or about others',
] as const;

export function isComplete({ isDryRun, left, activeJobs }: Receipt): boolean {
  return isDryRun || (left === 0 && activeJobs === 0);
}

export function describeErasure(receipt: Receipt): string[] {
  const { userId, isDryRun, erasedAt, sharedAddresses } = receipt;
  const heading = isDryRun
    ? `Of ${userId} would go:`
    : `Of ${userId} went, for good since ${formatMoment(erasedAt)} UTC:`;
  return [
    heading,
    ...describeCounts('rows', receipt.removedRows),
    ...describeCounts('rows of others, scrubbed', receipt.scrubbedRows),
    `  ledger payloads: ${receipt.payloads}`,
    `  reasons of failed handlers: ${receipt.runs.reasons}`,
    ...(receipt.runs.lost > 0
      ? [`  handlers that were still to run, and are skipped: ${receipt.runs.lost}`]
      : []),
    ...describeCounts('jobs', receipt.removedJobs),
    ...describeCounts('jobs that stay, scrubbed', receipt.scrubbedJobs),
    ...(isDryRun ? [] : [`  tombstones that stay: ${receipt.tombstones}`]),
    ...(sharedAddresses > 0
      ? [`Addresses that are another user's by now, and were left alone: ${sharedAddresses}.`]
      : []),
    receipt.asksClerk ? 'Clerk has no such user.' : 'Clerk was not asked.',
    'Not covered:',
    ...NOT_COVERED.map((what) => `  ${what}`),
    ...describeEnd(receipt),
  ];
}

export function toErasureJson(receipt: Receipt): string {
  return JSON.stringify({
    userId: receipt.userId,
    dryRun: receipt.isDryRun,
    complete: isComplete(receipt),
    erasedAt: receipt.erasedAt,
    clerk: receipt.asksClerk ? 'gone' : 'not asked',
    rows: receipt.removedRows,
    scrubbedRows: receipt.scrubbedRows,
    payloads: receipt.payloads,
    handlerReasons: receipt.runs.reasons,
    skippedHandlerRuns: receipt.runs.lost,
    jobs: receipt.removedJobs,
    scrubbedJobs: receipt.scrubbedJobs,
    activeJobs: receipt.activeJobs,
    tombstones: receipt.tombstones,
    sharedAddresses: receipt.sharedAddresses,
    left: receipt.left,
    repeated: receipt.isRepeated,
    notCovered: NOT_COVERED,
  });
}

function describeCounts(what: string, counts: Partial<Record<string, number>>): string[] {
  const names = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  return [`  ${what}: ${names.length > 0 ? names.join(', ') : 'none'}`];
}

function describeEnd(receipt: Receipt): string[] {
  const { isDryRun, activeJobs, left } = receipt;
  if (isDryRun) return ['Nothing was changed.'];
  if (activeJobs > 0) {
    return [`A worker still has ${activeJobs} jobs of theirs in its hands. Run it again.`];
  }
  if (left > 0) return [`Workers wrote more meanwhile; ${left} still name them. Run it again.`];
  if (!isEmpty(receipt)) return [];
  return receipt.isRepeated
    ? ['Nothing names them any more.']
    : ['Nothing named this id. Is it the right one?'];
}

function isEmpty({ removedRows, scrubbedRows, payloads, removedJobs, scrubbedJobs }: Receipt) {
  const counts = [removedRows, scrubbedRows, removedJobs, scrubbedJobs];
  return payloads === 0 && counts.every((each) => Object.keys(each).length === 0);
}
