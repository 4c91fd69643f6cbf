/** Joins what was measured now with what was measured before, where both are of one machine and one set of versions. Pure. */
import { CannotRun } from './cannot-run.js';
import { type Results } from './results.js';

/**
 * @param stored undefined: nothing, or nothing that is to stay.
 * @param order names of all scenarios, as the document has them; what is stored of others is dropped.
 * @throws CannotRun when the two may not stand in one document.
 */
export function mergeResults(
  stored: Results | undefined,
  measured: Results,
  order: readonly string[],
): Results {
  if (!stored) return measured;
  const difference = findDifference(stored, measured);
  if (difference) {
    throw new CannotRun(
      `What is stored is of another ${difference}. Run all scenarios, or add --no-write.`,
    );
  }
  const scenarios = order.flatMap(
    (name) =>
      [...measured.scenarios, ...stored.scenarios].find((found) => found.name === name) ?? [],
  );
  return { ...measured, scenarios };
}

function findDifference(a: Results, b: Results): string | undefined {
  if (a.machine.cpu !== b.machine.cpu || a.machine.cores !== b.machine.cores) return 'machine';
  const names = Object.keys({ ...a.versions, ...b.versions });
  return names.find((name) => a.versions[name] !== b.versions[name]);
}
