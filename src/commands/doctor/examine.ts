/** Makes every check, in order, whatever becomes of the others. */
import { isDoneWithin } from '../../deadline.js';
import { bad, type Finding } from './finding.js';
import { explain } from './explain.js';

export interface Check<P> {
  name: string;
  /** A rejection is a finding, too. */
  run: (patient: P) => Promise<Finding[]>;
}

export interface Examined {
  name: string;
  /** At least one; the worst is not necessarily the first. */
  findings: readonly Finding[];
}

const CHECK_TIMEOUT_MS = 5_000;
const UNKNOWN_CURE = 'Mend what is wrong above; if nothing is, this is a fault of clerk-sync.';

export async function* examine<P>(
  patient: P,
  checks: readonly Check<P>[],
  timeoutMs = CHECK_TIMEOUT_MS,
): AsyncGenerator<Examined> {
  for (const { name, run } of checks) {
    yield { name, findings: await runWithin(timeoutMs, () => run(patient)) };
  }
}

async function runWithin(
  timeoutMs: number,
  run: () => Promise<Finding[]>,
): Promise<readonly Finding[]> {
  try {
    const running = run();
    if (await isDoneWithin(running, timeoutMs)) return await running;
    return [bad(`No answer within ${timeoutMs / 1000} s`, UNKNOWN_CURE)];
  } catch (error) {
    return [bad(`The check itself failed: ${explain(error)}`, UNKNOWN_CURE)];
  }
}
