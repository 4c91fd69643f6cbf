/** Has the worker done all that there is to do? */
import { waitFor } from '../tests/support/wait.js';
import { type BenchQueue } from './bench-queue.js';
import { VoidFigure } from './contract.js';

const PATIENCE_MS = 120_000;

/** Resolves once nothing waits, is under way or is put off. @throws VoidFigure when a job failed. */
export async function waitUntilApplied({ queue, countFailed }: BenchQueue): Promise<void> {
  const isDone = async () => {
    const counts = await queue.getJobCounts('wait', 'active', 'delayed', 'prioritized');
    return Object.values(counts).every((count) => count === 0);
  };
  await waitFor('the worker to have applied everything', isDone, PATIENCE_MS);
  const failed = await countFailed();
  if (failed > 0) throw new VoidFigure(`${failed} jobs failed.`);
}
