/** What is in the queue, and who takes it out. */
import { type QueueMeasure } from '../../queue/contract.js';
import { countWorkers } from '../../queue/inspect-workers.js';
import { formatSpan } from '../format-time.js';
import { bad, ok, skipped, warn, type Finding } from './finding.js';
import { isUsable, type Patient } from './patient.js';

/** Nothing that works takes this long, outages of the database aside. */
const LATE_MS = 5 * 60_000;

export async function checkJobs({ queue }: Patient): Promise<Finding[]> {
  if (!isUsable(queue)) return [skipped('the queue cannot be asked')];
  return judgeJobs(await queue.open.measure());
}

export function judgeJobs({ counts, isPaused, oldestWaitingMs }: QueueMeasure): Finding[] {
  const failed = counts['failed'] ?? 0;
  const numbers = STATES.map((state) => `${counts[state] ?? 0} ${state}`);
  const findings = [ok(numbers.join(', '))];
  if (isPaused) {
    const found = 'The queue is paused: events are taken, and none is applied';
    findings.push(bad(found, 'Resume it at the board (`npm run board`).'));
  }
  if (oldestWaitingMs !== null && oldestWaitingMs > LATE_MS) {
    const found = `The oldest event that is not applied came ${formatSpan(oldestWaitingMs)} ago`;
    const cure =
      'See whether the workers are ready, and their logs; start more of them if they are.';
    findings.push(warn(found, cure));
  }
  if (failed > 0) {
    const found = `${failed} ${failed === 1 ? 'event has' : 'events have'} failed for good`;
    const cure =
      'See `npm run replay -- --failed --dry-run`; without --dry-run they are tried again.';
    findings.push(bad(found, cure));
  }
  return findings;
}

const STATES = ['waiting', 'active', 'delayed', 'failed', 'completed'] as const;

export async function checkWorkers({ queue }: Patient): Promise<Finding[]> {
  if (!isUsable(queue)) return [skipped('the queue cannot be asked')];
  const [workers, { counts }] = await Promise.all([countWorkers(queue.open), queue.open.measure()]);
  return [judgeWorkers(workers, counts)];
}

/** @param workers null: the store does not say. */
export function judgeWorkers(workers: number | null, counts: Record<string, number>): Finding {
  if (workers === null) return skipped('the store does not say who is connected to it');
  if (workers > 0) return ok(`${workers} connected`);
  const left = (counts['waiting'] ?? 0) + (counts['active'] ?? 0) + (counts['delayed'] ?? 0);
  if (left === 0) return warn('None is connected', START);
  const found = `None is connected, and ${left} ${left === 1 ? 'event is' : 'events are'} not applied`;
  return bad(found, START);
}

const START = 'Start one with `npm run worker`, or the whole system with `npm start`.';
