import { BACKENDS, queueSettings } from '../support/backends.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { killAll } from '../support/processes.js';
import { expectRaceToConverge } from '../support/race.js';

/** More in a long run: RACE_USERS=500. */
const USERS = Number(process.env['RACE_USERS'] ?? 150);
const SIZE = {
  users: USERS,
  organizations: Math.ceil(USERS / 8),
  memberships: Math.ceil(USERS * 0.8),
  organizationsDeletedOneIn: 10,
};

let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  await killAll();
  await database.drop();
});

test.each(BACKENDS)(
  'no wrong row, no resurrected row and no deadlock, with the queue in %s',
  async (kind) => {
    await expectRaceToConverge({ database, queue: queueSettings(kind), size: SIZE });
  },
  180_000,
);
