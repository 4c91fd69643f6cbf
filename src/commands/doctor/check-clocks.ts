/** This machine's clock against others': a signature carries a time, and one that is five minutes off is refused. */
import { type ClockReading } from '../../clock.js';
import { formatSpan } from '../format-time.js';
import { bad, ok, skipped, warn, type Finding } from './finding.js';
import { type Patient } from './patient.js';

/** Svix's tolerance. */
const REFUSED_MS = 5 * 60_000;
const NOTABLE_MS = 5_000;
const CLERK_TIMEOUT_MS = 3_000;

export async function checkClocks({ config, database, queue }: Patient): Promise<Finding[]> {
  const others: Others = {};
  if (database.state === 'reached') others['Postgres'] = database.server.clock;
  if (queue.state === 'reached' && queue.store.kind === 'redis') {
    others[queue.store.product] = queue.store.clock;
  }
  if (config.CLERK_SECRET_KEY) {
    const clerk = await askClerk(config.CLERK_API_URL);
    if (clerk) others['Clerk'] = clerk;
  }
  return [judgeClocks(others)];
}

type Others = Record<string, Pick<ClockReading, 'aheadMs'>>;

export function judgeClocks(others: Others): Finding {
  const entries = Object.entries(others);
  if (entries.length === 0) return skipped('there is no other clock to compare with');
  const found = entries.map(([name, { aheadMs }]) => `${name} is ${describe(aheadMs)}`).join(', ');
  const worst = Math.max(...entries.map(([, { aheadMs }]) => Math.abs(aheadMs)));
  if (worst < NOTABLE_MS) return ok(found);
  const cure = 'Keep the clocks of all machines by NTP (`timedatectl set-ntp true`).';
  if (worst < REFUSED_MS) return warn(found, cure);
  return bad(`${found}; deliveries whose time is 5 minutes off are refused`, cure);
}

function describe(aheadMs: number): string {
  const span = formatSpan(Math.abs(aheadMs));
  return `${span} ${aheadMs < 0 ? 'behind' : 'ahead'}`;
}

/** Whole seconds are all that HTTP tells; on average half of one has passed. Null when nobody answers. */
async function askClerk(url: string): Promise<Pick<ClockReading, 'aheadMs'> | null> {
  const sentAt = Date.now();
  try {
    const { headers } = await fetch(url, {
      method: 'HEAD',
      redirect: 'manual',
      signal: AbortSignal.timeout(CLERK_TIMEOUT_MS),
    });
    const theirs = Date.parse(headers.get('date') ?? '') + 500;
    if (Number.isNaN(theirs)) return null;
    return { aheadMs: theirs - (sentAt + Date.now()) / 2 };
  } catch {
    return null; // a machine that only receives may have no way out
  }
}
