/** What became of the application's handlers: what failed, what waits, and who there is to run it. */
import {
  countFailedRuns,
  countWaitingRuns,
  listOverdueRuns,
  type FailedRuns,
  type OverdueRuns,
  type WaitingRuns,
} from '../../db/inspect-runs.js';
import { countWorkers } from '../../queue/inspect-workers.js';
import { formatSpan } from '../format-time.js';
import { whenReached } from './check-ledger.js';
import { bad, ok, warn, type Finding } from './finding.js';
import { isUsable } from './patient.js';

/** A relay looks every second. */
const LATE_MS = 30_000;
/** Ten attempts take some half an hour, when none of them takes long. */
const OVERDUE_MINUTES = 60;

export const checkHandlers = whenReached(async (db, { queue }) => {
  const waiting = await countWaitingRuns(db);
  return judgeRuns({
    failed: await countFailedRuns(db),
    waiting,
    overdue: await listOverdueRuns(db, OVERDUE_MINUTES),
    workers: isUsable(queue) ? await countWorkers(queue.handlers) : null,
  });
});

export interface RunsFound {
  failed: readonly FailedRuns[];
  waiting: WaitingRuns;
  overdue: readonly OverdueRuns[];
  /** Connected ones that run handlers. Null: nobody knows. */
  workers: number | null;
}

export function judgeRuns({ failed, waiting, overdue, workers }: RunsFound): Finding[] {
  const left = waiting.unrelayed + waiting.relayed;
  const findings: Finding[] = [];
  if (workers === 0 && left > 0) {
    findings.push(
      bad(
        `No worker that runs handlers is connected, and ${count(left, 'run')} of them wait`,
        'Start one with `npm run worker`; where WORKER_TASKS is set, it has to name handlers.',
      ),
    );
  } else if (waiting.unrelayed > 0 && waiting.unrelayedMs > LATE_MS) {
    findings.push(
      bad(
        `Of ${count(waiting.unrelayed, 'run')} the queue was not told, of the oldest for ${formatSpan(waiting.unrelayedMs)}`,
        'Look for “trouble with the relay” in the logs of the workers that run handlers, and start them again.',
      ),
    );
  }
  findings.push(...overdue.map(sayOverdue), ...failed.map(sayFailed));
  if (findings.length > 0) return findings;
  const known = workers === null || workers === 0 ? '' : `, ${count(workers, 'worker')} connected`;
  return [ok(`none failed in the last 24 hours, ${left} on their way${known}`)];
}

function sayFailed({ handler, runs, eventId }: FailedRuns): Finding {
  return warn(
    `${handler}: ${count(runs, 'run')} failed in the last 24 hours`,
    `\`npm run why -- ${eventId}\` says why of the newest; mend it, then \`npm run replay -- --since 2d --failed --handlers ${handler}\`.`,
  );
}

function sayOverdue({ handler, runs, eventId, sinceMs }: OverdueRuns): Finding {
  return warn(
    `${handler}: ${count(runs, 'run')} not over for up to ${formatSpan(sinceMs)}`,
    `\`npm run why -- ${eventId}\` says why of the oldest: it fails again and again, hangs, or HANDLER_CONCURRENCY lets too few run at once.`,
  );
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
