/** Notes a whole stream as accepted, for the comparison with the tables. */
import { recordAccepted } from './correctness.js';
import { createEvents, type BenchEvent, type EventOptions } from './events.js';
import { type BenchDatabase } from './servers.js';

const AT_A_TIME = 5_000;

export async function recordEvents(database: BenchDatabase, events: EventOptions): Promise<void> {
  let some: Pick<BenchEvent, 'id' | 'entityId' | 'updatedAt'>[] = [];
  for (const { id, entityId, updatedAt } of createEvents(events)) {
    some.push({ id, entityId, updatedAt });
    if (some.length < AT_A_TIME) continue;
    await recordAccepted(database, some);
    some = [];
  }
  await recordAccepted(database, some);
}
