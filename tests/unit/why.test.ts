/** What `why` concludes: the sentence an operator reads first. */
import { concludeEntity } from '../../src/commands/why/conclude-entity.js';
import { concludeEvent } from '../../src/commands/why/conclude-event.js';
import { type EntityKnowledge, type EventKnowledge } from '../../src/commands/why/gather.js';
import { type QueueKnowledge } from '../../src/commands/why/conclude-jobs.js';
import { type LedgerRecord, type VersionRecord } from '../../src/db/history.js';
import { type FoundJob } from '../../src/queue/find-jobs.js';

const NOW = Date.UTC(2026, 0, 1, 3);
const SECOND = 1_000;
const MINUTE = 60_000;
const QUEUE: QueueKnowledge = { trouble: null, isPaused: false, workers: 1 };

/** Of a user, `at` milliseconds before now. */
function record(id: string, at: number, more: Partial<LedgerRecord> = {}): LedgerRecord {
  return {
    id,
    type: 'user.updated',
    entityType: 'user',
    entityId: 'user_a',
    instanceId: null,
    occurredAt: NOW - at,
    receivedAt: NOW - at,
    processedAt: NOW - at,
    outcome: 'applied',
    error: null,
    updatedAt: NOW - at,
    hasPayload: true,
    ...more,
  };
}

function version(eventId: string, at: number, more: Partial<VersionRecord> = {}): VersionRecord {
  return {
    entityType: 'user',
    entityId: 'user_a',
    updatedAt: NOW - at,
    occurredAt: NOW - at,
    eventId,
    deletedAt: null,
    erasedAt: null,
    ...more,
  };
}

function entity(more: Partial<EntityKnowledge> = {}): EntityKnowledge {
  const { events = [] } = more;
  const outcomes: Record<string, number> = {};
  for (const { outcome } of events) outcomes[outcome ?? ''] = (outcomes[outcome ?? ''] ?? 0) + 1;
  return {
    entityType: 'user',
    entityId: 'user_a',
    table: 'users',
    outcomes,
    events,
    version: null,
    versionEvent: null,
    row: null,
    children: [],
    deletedParent: null,
    ...more,
  };
}

function job(more: Partial<FoundJob> = {}): FoundJob {
  return {
    id: 'msg_job',
    type: 'user.updated',
    state: 'waiting',
    addedAt: NOW - 3 * MINUTE,
    startedAt: null,
    finishedAt: null,
    dueAt: null,
    attemptsMade: 0,
    attempts: 8,
    stalls: 0,
    failedReason: null,
    processedBy: null,
    outcome: null,
    forced: false,
    event: null,
    ...more,
  };
}

const ofEntity = (
  known: EntityKnowledge,
  { jobs = [], queue = QUEUE }: { jobs?: FoundJob[]; queue?: QueueKnowledge } = {},
) => concludeEntity(known, { jobs, queue, now: NOW }).map(({ level, text }) => `${level}: ${text}`);
const ofEvent = (known: Partial<EventKnowledge>, queue = QUEUE) =>
  concludeEvent(
    { id: 'msg_a', record: null, job: null, payload: null, entity: null, ...known },
    { queue, now: NOW },
  ).map(({ level, text }) => `${level}: ${text}`);

const STORED = {
  version: version('msg_a', 0),
  versionEvent: record('msg_a', 0),
  row: { data: {} },
};

describe('of an entity', () => {
  test('the row is stored: as of when, by which event', () => {
    expect(ofEntity(entity({ ...STORED, events: [record('msg_a', 0)] }))).toEqual([
      'good: Stored as of 2026-01-01 03:00:00 UTC, by user.updated msg_a, written 0 ms ago.',
    ]);
  });

  test('a failed event that is newer than what is stored comes first, with its cure', () => {
    const failed = record('msg_b', -SECOND, {
      outcome: 'failed',
      error: 'It is poison',
      processedAt: NOW - 90 * SECOND,
    });
    expect(ofEntity(entity({ ...STORED, events: [record('msg_a', 0), failed] }))).toEqual([
      'bad: user.updated msg_b failed 1 min 30 s ago: It is poison. Mend the cause, then: npm run replay -- --id msg_b',
      expect.stringMatching(/^good: Stored/),
    ]);
  });

  test('a failed event without a payload can only be resent', () => {
    const failed = record('msg_b', 0, { outcome: 'failed', error: 'Poison.', hasPayload: false });
    expect(ofEntity(entity({ events: [failed] }))[0]).toMatch(
      /resend it from Clerk's Dashboard\.$/,
    );
    const [first] = ofEntity(entity({ events: [failed] }), {
      jobs: [job({ id: 'msg_b', state: 'failed' })],
    });
    expect(first).toMatch(/npm run replay -- --id msg_b$/);
  });

  test('a failed event that is overtaken costs nothing; a failed deletion always does', () => {
    const older = { outcome: 'failed', error: 'Poison.' } as const;
    const [first] = ofEntity(
      entity({ ...STORED, events: [record('msg_0', MINUTE, older), record('msg_a', 0)] }),
    );
    expect(first).toMatch(/^note: 1 older event failed; what counts now is newer/);
    const deletion = record('msg_0', MINUTE, { ...older, type: 'user.deleted' });
    expect(ofEntity(entity({ ...STORED, events: [deletion] }))[0]).toMatch(
      /^bad: user\.deleted msg_0 failed/,
    );
  });

  test('a failed event of what was deleted since costs nothing', () => {
    const failed = record('msg_0', 0, { outcome: 'failed', error: 'Poison.' });
    const deleted = { version: version('msg_d', MINUTE, { deletedAt: NOW }) };
    expect(ofEntity(entity({ ...deleted, events: [failed] }))[0]).toMatch(
      /^note: 1 older event failed/,
    );
  });

  test('a deletion that failed has deleted nothing', () => {
    const failed = record('msg_0', 0, { type: 'user.deleted', outcome: 'failed', error: 'No.' });
    expect(ofEntity(entity({ events: [failed] }))).toEqual([
      expect.stringMatching(/^bad: user\.deleted msg_0 failed/),
      'note: Not stored: no event of it has been applied yet.',
    ]);
  });

  test('what somebody has to do something about comes before what is only worth knowing', () => {
    const failed = record('msg_0', MINUTE, { outcome: 'failed', error: 'Poison.' });
    const said = ofEntity(entity({ ...STORED, events: [failed] }), {
      jobs: [job()],
      queue: { ...QUEUE, workers: 0 },
    });
    expect(said.map((line) => line.split(':')[0])).toEqual(['bad', 'note', 'good']);
  });

  test('a failed event that is on the queue again is under way', () => {
    const failed = record('msg_b', 0, { outcome: 'failed', error: 'Poison.' });
    const [first] = ofEntity(entity({ events: [failed] }), { jobs: [job({ id: 'msg_b' })] });
    expect(first).toMatch(/^note: user\.updated msg_b waits in the queue for 3 min: a worker is/);
  });

  test('many failures: three are said, the others counted', () => {
    const events = [1, 2, 3, 4, 5].map((n) =>
      record(`msg_${n}`, -n * SECOND, { outcome: 'failed', error: 'Poison.' }),
    );
    const said = ofEntity(entity({ events }));
    expect(said.slice(0, 4).map((line) => line.slice(0, 28))).toEqual([
      'bad: user.updated msg_5 fail',
      'bad: user.updated msg_4 fail',
      'bad: user.updated msg_3 fail',
      'bad: 2 more failed: see the ',
    ]);
  });

  test.each<[string, Partial<QueueKnowledge>, RegExp]>([
    ['paused', { isPaused: true }, /^bad: .*for 3 min: the queue is paused\. Resume it/],
    ['without a worker', { workers: 0 }, /^bad: .*no worker is connected\. Start one: npm run/],
    ['that does not tell its workers', { workers: null }, /^note: .*is a worker running\?$/],
    ['with workers', { workers: 2 }, /^note: .*2 workers are connected, and will come to it\.$/],
  ])('an event waits in a queue %s', (_case, queue, expected) => {
    const [first] = ofEntity(entity(), { jobs: [job()], queue: { ...QUEUE, ...queue } });
    expect(first).toMatch(expected);
  });

  test('several wait: the oldest counts', () => {
    const jobs = [job(), job({ id: 'msg_2', addedAt: NOW - MINUTE })];
    expect(ofEntity(entity(), { jobs })[0]).toMatch(
      /^note: 2 events wait in the queue, the oldest for 3 min:/,
    );
  });

  test.each<[string, Partial<FoundJob>, RegExp]>([
    [
      'in a worker’s hands',
      { state: 'active', startedAt: NOW - SECOND, processedBy: 'worker-7' },
      /^note: user\.updated msg_job is in the hands of worker-7 for 1\.0 s\.$/,
    ],
    [
      'in a worker’s hands for long',
      { state: 'active', startedAt: NOW - 2 * MINUTE, processedBy: 'worker-7' },
      /^bad: .* for 2 min\. So long it waits for the database, or for a lock\.$/,
    ],
    [
      'delayed after a failure',
      { state: 'delayed', dueAt: NOW + 42 * SECOND, attemptsMade: 2, failedReason: 'A defect' },
      /^note: .* is tried again in about 42 s: attempt 2 of 8 failed: A defect\.$/,
    ],
    [
      'put aside by an older worker',
      { state: 'delayed', dueAt: NOW - SECOND },
      /^note: .* is looked at again at any moment: it is of a newer version/,
    ],
    [
      'failed without a ledger row',
      { state: 'failed', finishedAt: NOW - MINUTE, failedReason: 'job stalled' },
      /^bad: .* failed 1 min ago: job stalled\. .*npm run replay -- --id msg_job$/,
    ],
  ])('a job is %s', (_case, more, expected) => {
    expect(ofEntity(entity(), { jobs: [job(more)] })[0]).toMatch(expected);
  });

  test.each<[string, Partial<EntityKnowledge>, RegExp]>([
    [
      'deleted',
      {
        version: version('msg_d', 0, { deletedAt: NOW }),
        versionEvent: record('msg_d', 0, { type: 'user.deleted' }),
        outcomes: { tombstoned: 2 },
      },
      /^note: Deleted at 2026-01-01 03:00:00 UTC by user\.deleted msg_d\. That is final: .* 2 events of it were refused \(tombstoned\)\. .*npm run forget -- user_a$/,
    ],
    [
      'erased',
      { version: version('msg_d', 0, { deletedAt: NOW, erasedAt: NOW }) },
      /^note: Erased at 2026-01-01 03:00:00 UTC: .*cannot be forgotten\.$/,
    ],
    [
      'a placeholder',
      {
        row: { data: null },
        children: [{ table: 'sessions', count: 2, ids: ['sess_1', 'sess_2'] }],
      },
      /^note: A placeholder, .* mentioned by sess_1 \(sessions\) before .* Message Attempts/,
    ],
    [
      'a row of unknown origin',
      { row: { data: {} } },
      /^good: A row is stored, yet nothing is known of how it came/,
    ],
    [
      'carried along by a nested copy',
      { ...STORED, version: version('', 0), versionEvent: null },
      /^good: Stored .* by a copy that an event of another entity carried along\.$/,
    ],
    [
      'carried along by another entity’s event',
      {
        ...STORED,
        versionEvent: record('msg_a', 0, { type: 'session.created', entityId: 'sess_1' }),
      },
      /^good: Stored .* by session\.created msg_a, which carried it along, written/,
    ],
    [
      'stored by an event that the ledger lost',
      { ...STORED, versionEvent: null },
      /^good: Stored .* by msg_a, which the ledger does not have\.$/,
    ],
    [
      'gone with its parent',
      {
        events: [record('msg_a', 0)],
        deletedParent: version('msg_d', 0, {
          entityType: 'organization',
          entityId: 'org_1',
          deletedAt: NOW,
        }),
      },
      /^note: Not stored: organization org_1, to which it belongs, was deleted at .* by msg_d\. More: npm run why -- org_1$/,
    ],
    [
      'forgotten, with events to decide anew',
      { events: [record('msg_a', 0, { outcome: 'tombstoned' })] },
      /^bad: Not stored: .*forgotten since\. .*npm run replay -- --entity user_a$/,
    ],
    [
      'forgotten, with nothing left to replay',
      { events: [record('msg_a', 0, { outcome: 'tombstoned', hasPayload: false })] },
      /^note: Not stored: it was deleted, and the tombstone has been forgotten or pruned/,
    ],
    [
      'forgotten right after its deletion',
      { events: [record('msg_a', 0, { type: 'user.deleted' })] },
      /^note: Not stored: it was deleted, and the tombstone has been forgotten or pruned/,
    ],
    [
      'removed by hand',
      { events: [record('msg_a', 0)] },
      /^bad: Not stored, though events of it were applied: .*npm run replay -- --entity user_a --force$/,
    ],
    [
      'a pruned session',
      { entityType: 'session', events: [record('msg_a', 0)] },
      /^note: Not stored: the session was over, and npm run prune removed its row/,
    ],
    [
      'ignored',
      {
        events: [record('msg_a', 0, { outcome: 'ignored', error: 'SYNC_ENTITIES leaves it out' })],
      },
      /^note: Not stored, on purpose: SYNC_ENTITIES leaves it out\. .*npm run replay -- --entity user_a$/,
    ],
    ['not known yet', {}, /^note: Not stored: no event of it has been applied yet\.$/],
  ])('it is %s', (_case, known, expected) => {
    const said = ofEntity(entity(known));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(expected);
  });

  test('an id that a shell would take apart is quoted', () => {
    const id = "it's; rm";
    const deleted = { version: version('msg_d', 0, { entityId: id, deletedAt: NOW }) };
    expect(ofEntity(entity({ ...deleted, entityId: id }))[0]).toMatch(
      /npm run forget -- 'it'\\''s; rm'$/,
    );
  });
});

describe('of an event', () => {
  const deleted = { version: version('msg_d', 0, { deletedAt: NOW }) };

  test.each<[string, Partial<EventKnowledge>, RegExp]>([
    [
      'what it says is stored',
      { record: record('msg_a', 0), entity: entity(STORED) },
      /^good: Applied: this event's version is what is stored\.$/,
    ],
    [
      'it is superseded',
      { record: record('msg_0', MINUTE), entity: entity(STORED) },
      /^good: Applied, and superseded\. Stored now: the version of 2026-01-01 03:00:00 UTC, by user\.updated msg_a\.$/,
    ],
    [
      'its entity was deleted later',
      { record: record('msg_0', MINUTE), entity: entity(deleted) },
      /^good: Applied, and superseded\. The user was deleted at .* by msg_d\.$/,
    ],
    [
      'its row is gone',
      { record: record('msg_0', MINUTE), entity: entity() },
      /^note: Applied, yet it is stored no longer\. Stored now: nothing\. More: npm run why -- user_a$/,
    ],
    [
      'it deleted',
      { record: record('msg_d', 0, { type: 'user.deleted' }), entity: entity(deleted) },
      /^good: Applied: it deleted the user for good\.$/,
    ],
    [
      'its deletion was forgotten',
      { record: record('msg_d', 0, { type: 'user.deleted' }), entity: entity(STORED) },
      /^note: Applied: it deleted the user; the tombstone has been forgotten or pruned since\. Stored now/,
    ],
    [
      'it was stale',
      { record: record('msg_0', MINUTE, { outcome: 'stale' }), entity: entity(STORED) },
      /^good: Changed nothing: .* Stored now: .* by user\.updated msg_a\.$/,
    ],
    [
      'it was refused',
      { record: record('msg_0', 0, { outcome: 'tombstoned' }), entity: entity(deleted) },
      /^note: Refused \(tombstoned\): The user was deleted .*npm run forget -- user_a$/,
    ],
    [
      'it was refused, and the tombstone is forgotten',
      { record: record('msg_0', 0, { outcome: 'tombstoned' }), entity: entity(STORED) },
      /^bad: Refused because of a tombstone .* forgotten since\. .*npm run replay -- --id msg_0$/,
    ],
    [
      'it was ignored',
      { record: record('msg_0', 0, { outcome: 'ignored', error: 'Not known' }) },
      /^note: Recorded, and nothing else: Not known\. .*npm run replay -- --id msg_0$/,
    ],
    [
      'it failed',
      { record: record('msg_0', 0, { outcome: 'failed', error: 'Poison' }) },
      /^bad: user\.updated msg_0 failed 0 ms ago: Poison\. Mend the cause, then: npm run replay -- --id msg_0$/,
    ],
    [
      'it failed and was overtaken',
      {
        record: record('msg_0', MINUTE, { outcome: 'failed', error: 'Poison' }),
        entity: entity(STORED),
      },
      /^note: It failed: Poison\. Nothing is missing: Stored now: /,
    ],
    [
      'the queue has done it, and this ledger knows nothing of it',
      { job: job({ state: 'completed', outcome: 'applied' }) },
      /^bad: The queue has it as completed \(applied\), and the ledger has no row: this is another database/,
    ],
    [
      'it failed before the ledger knew it',
      { job: job({ state: 'failed', failedReason: 'job stalled' }) },
      /^bad: user\.updated msg_job failed: job stalled\. /,
    ],
  ])('%s', (_case, known, expected) => {
    const said = ofEvent(known);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(expected);
  });

  test('a failed one that is tried again is under way, not failed', () => {
    const known = { record: record('msg_0', 0, { outcome: 'failed' }), job: job({ id: 'msg_0' }) };
    expect(ofEvent(known)).toEqual([expect.stringMatching(/^note: .* waits in the queue/)]);
  });

  test('one that was late says which step took long', () => {
    const late = record('msg_0', 0, {
      occurredAt: NOW - 3 * MINUTE,
      receivedAt: NOW - 2 * MINUTE + 1,
      processedAt: NOW,
    });
    expect(ofEvent({ record: late }).slice(1)).toEqual([
      expect.stringMatching(/^note: It came 1 min after it occurred/),
      expect.stringMatching(/^note: It was decided 1 min 59 s after it came/),
    ]);
  });
});
