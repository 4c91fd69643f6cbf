/** What a run of prune did, or would do: for people, and for programs. Pure. */
import { type PrunedRuns } from '../../db/prune-runs.js';
import { type PrunedPayloads, type PrunedSessions } from '../../db/retention.js';
import { formatMoment } from '../format-time.js';
import { type Horizons } from './horizons.js';
import { type PrunedMemories } from './prune-memories.js';

export interface Pruned {
  isDryRun: boolean;
  horizons: Horizons;
  runs: PrunedRuns;
  payloads: PrunedPayloads;
  sessions: PrunedSessions;
  /** Null: the queue did not answer, so that none was touched. */
  memories: PrunedMemories | null;
  queueTrouble: string | null;
}

export function describePruned(pruned: Pruned): string[] {
  const { horizons, runs, payloads, sessions, memories } = pruned;
  const go = pruned.isDryRun ? 'would go' : 'removed';
  const line = (what: string, before: string, counts: string) =>
    `${what.padEnd(11)} before ${formatMoment(before)} UTC: ${counts}`;
  return [
    line(
      'handlers',
      horizons.payloads,
      `${runs.runs} runs ${go}, ${runs.unfinished} of them never over`,
    ),
    line(
      'payloads',
      horizons.payloads,
      `${payloads.payloads} ${go}, ${payloads.failed} of them of failed events`,
    ),
    line('sessions', horizons.sessions, `${sessions.sessions} ${go}`),
    ...(sessions.refused > 0
      ? [
          `${sessions.refused} sessions stay, because the database refuses: ${sessions.reason ?? ''}`,
          'Where a table of yours points to clerk.sessions, say there what becomes of its rows (ON DELETE …).',
        ]
      : []),
    ...(memories
      ? [
          line(
            'tombstones',
            horizons.tombstones,
            `${memories.tombstones} ${go}, and ${memories.others} versions and locks of what has no row`,
          ),
          `${memories.kept} more stay, because a payload or a job names them.`,
        ]
      : [
          `Tombstones stay, because the queue may hold what they keep away. ${pruned.queueTrouble ?? ''}`,
        ]),
    ...(pruned.isDryRun ? ['Nothing was changed.'] : []),
  ];
}

export function toPrunedJson(pruned: Pruned): string {
  const { isDryRun, horizons, runs, payloads, sessions, memories, queueTrouble } = pruned;
  return JSON.stringify({
    dryRun: isDryRun,
    before: horizons,
    runs: runs.runs,
    unfinishedRuns: runs.unfinished,
    payloads: payloads.payloads,
    failedPayloads: payloads.failed,
    sessions: sessions.sessions,
    refusedSessions: sessions.refused,
    refusal: sessions.reason,
    tombstones: memories?.tombstones ?? null,
    others: memories?.others ?? null,
    kept: memories?.kept ?? null,
    queue: queueTrouble,
  });
}
