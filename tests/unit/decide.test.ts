/** The rules of the decision, one by one. That they add up to convergence is what convergence.test.ts shows. */
import { type Version } from '../../src/db/versions.js';
import {
  decide,
  nameOf,
  type Decision,
  type EventFacts,
  type Known,
} from '../../src/projections/decide.js';
import { type Fact, type Facts, type Key } from '../../src/projections/fact.js';

const ANN: Key = { entityType: 'user', entityId: 'user_ann' };
const BOB: Key = { entityType: 'user', entityId: 'user_bob' };
const ACME: Key = { entityType: 'organization', entityId: 'org_acme' };
/** Ann's membership in Acme. */
const SEAT: Key = { entityType: 'organization_membership', entityId: 'orgmem_seat' };

describe('of the states of one entity', () => {
  const first = event('msg_1', state(ANN, at(10, 'msg_1')));
  const second = event('msg_2', state(ANN, at(20, 'msg_2')));
  const third = event('msg_3', state(ANN, at(30, 'msg_3')));

  test.each(permutations([first, second, third]))(
    'the newest is written and all are applied, whatever their order in the batch (%#)',
    (...batch) => {
      const decision = decide(batch, nothing());
      expect(written(decision)).toEqual([[ANN, 'msg_3']]);
      expect(outcomes(decision)).toEqual({ msg_1: 'applied', msg_2: 'applied', msg_3: 'applied' });
    },
  );

  test('one older than what is stored is stale, and writes nothing', () => {
    const decision = decide([first], known([ANN, stored(at(20, 'msg_2'))]));
    expect(outcomes(decision)).toEqual({ msg_1: 'stale' });
    expect(written(decision)).toEqual([]);
  });

  test('one newer than what is stored is applied, its older companions are stale', () => {
    const decision = decide([third, first], known([ANN, stored(at(20, 'msg_2'))]));
    expect(outcomes(decision)).toEqual({ msg_1: 'stale', msg_3: 'applied' });
    expect(written(decision)).toEqual([[ANN, 'msg_3']]);
  });

  test('the very version that is stored is stale', () => {
    const decision = decide([second], known([ANN, stored(at(20, 'msg_2'))]));
    expect(outcomes(decision)).toEqual({ msg_2: 'stale' });
  });

  test('an entity that is known only as a placeholder takes any version', () => {
    const decision = decide(
      [first],
      known([ANN, { version: null, deleted: false, erased: false }]),
    );
    expect(outcomes(decision)).toEqual({ msg_1: 'applied' });
  });

  test('the written version is the one of the written row', () => {
    const decision = decide([second, first], nothing());
    expect([...decision.rows.values()].map(({ version }) => version)).toEqual([at(20, 'msg_2')]);
  });

  test('entities do not meddle with each other, even under one id', () => {
    const twin: Key = { entityType: 'organization', entityId: ANN.entityId };
    const decision = decide(
      [event('msg_a', state(ANN, at(10, 'msg_a'))), event('msg_b', state(twin, at(5, 'msg_b')))],
      known([BOB, gone(at(99, 'msg_z'))]),
    );
    expect(written(decision)).toEqual([
      [twin, 'msg_b'],
      [ANN, 'msg_a'],
    ]);
  });
});

describe('a tie', () => {
  // Each pair is the older, then the newer.
  const pairs: [string, Version, Version][] = [
    ['of updated_at goes to the later envelope', version(10, 1, 'msg_z'), version(10, 2, 'msg_a')],
    ['of both times goes to the greater svix-id', version(10, 1, 'msg_a'), version(10, 1, 'msg_b')],
    ['is none where updated_at differs', version(9, 9, 'msg_z'), version(10, 1, 'msg_a')],
  ];

  test.each(pairs)('%s', (_rule, older, newer) => {
    const events = [older, newer].map((one) => event(one.eventId, state(ANN, one)));
    for (const batch of [events, events.toReversed()]) {
      expect(written(decide(batch, nothing()))).toEqual([[ANN, newer.eventId]]);
    }
    const [late, early] = [older, newer].map((one) => event(one.eventId, state(ANN, one)));
    if (!late || !early) throw new Error('two events were made');
    expect(outcomes(decide([late], known([ANN, stored(newer)])))).toEqual({
      [older.eventId]: 'stale',
    });
    expect(outcomes(decide([early], known([ANN, stored(older)])))).toEqual({
      [newer.eventId]: 'applied',
    });
  });
});

describe('a deletion', () => {
  const update = event('msg_update', state(ANN, at(90, 'msg_update')));
  const deletion = event('msg_delete', remove(ANN, at(10, 'msg_delete')));

  test('is final: a late update does not resurrect a deleted user', () => {
    const decision = decide([update], known([ANN, gone(at(10, 'msg_delete'))]));
    expect(outcomes(decision)).toEqual({ msg_update: 'tombstoned' });
    expect(written(decision)).toEqual([]);
  });

  test.each([
    ['first', [deletion, update]],
    ['last', [update, deletion]],
  ])('wins within its batch, come it %s, though every state is newer', (_when, batch) => {
    const decision = decide(batch, nothing());
    expect(outcomes(decision)).toEqual({ msg_delete: 'applied', msg_update: 'tombstoned' });
    expect(written(decision)).toEqual([]);
    expect(deleted(decision)).toEqual([ANN]);
  });

  test('is applied though what is stored carries a newer version', () => {
    const decision = decide([deletion], known([ANN, stored(at(90, 'msg_update'))]));
    expect(outcomes(decision)).toEqual({ msg_delete: 'applied' });
    expect(deleted(decision)).toEqual([ANN]);
  });

  test('that comes before the creation leaves a tombstone', () => {
    expect(deleted(decide([deletion], nothing()))).toEqual([ANN]);
    const decision = decide(
      [event('msg_create', state(ANN, at(5, 'msg_create')))],
      known([ANN, gone(at(10, 'msg_delete'))]),
    );
    expect(outcomes(decision)).toEqual({ msg_create: 'tombstoned' });
  });

  test('of what is deleted already is stale, and writes nothing', () => {
    const again = event('msg_again', remove(ANN, at(99, 'msg_again')));
    const decision = decide([again], known([ANN, gone(at(10, 'msg_delete'))]));
    expect(outcomes(decision)).toEqual({ msg_again: 'stale' });
    expect(deleted(decision)).toEqual([]);
  });

  test('twice in one batch is applied once, the older of the two', () => {
    const again = event('msg_again', remove(ANN, at(99, 'msg_again')));
    const expected = { msg_delete: 'applied', msg_again: 'stale' };
    expect(outcomes(decide([deletion, again], nothing()))).toEqual(expected);
    expect(outcomes(decide([again, deletion], nothing()))).toEqual(expected);
  });

  test('of one entity leaves the others alone', () => {
    const decision = decide([deletion, event('msg_b', state(BOB, at(1, 'msg_b')))], nothing());
    expect(outcomes(decision)).toEqual({ msg_delete: 'applied', msg_b: 'applied' });
    expect(written(decision)).toEqual([[BOB, 'msg_b']]);
  });
});

describe('an event of a child', () => {
  const seat = event('msg_seat', state(SEAT, at(50, 'msg_seat'), [ACME, ANN]));

  test('makes its parents be there, if only as placeholders', () => {
    const decision = decide([seat], nothing());
    expect(outcomes(decision)).toEqual({ msg_seat: 'applied' });
    expect(mentioned(decision)).toEqual([ACME, ANN]);
  });

  test.each([
    ['organization', ACME],
    ['user', ANN],
  ])('is tombstoned once its %s is deleted', (_which, parent) => {
    const decision = decide([seat], known([parent, gone(at(1, 'msg_gone'))]));
    expect(outcomes(decision)).toEqual({ msg_seat: 'tombstoned' });
    expect(written(decision)).toEqual([]);
  });

  test.each([
    ['organization', ACME],
    ['user', ANN],
  ])('is tombstoned when its %s is deleted in the same batch', (_which, parent) => {
    const deletion = event('msg_gone', remove(parent, at(1, 'msg_gone')));
    for (const batch of [
      [seat, deletion],
      [deletion, seat],
    ]) {
      const decision = decide(batch, nothing());
      expect(outcomes(decision)).toEqual({ msg_gone: 'applied', msg_seat: 'tombstoned' });
      expect(written(decision)).toEqual([]);
    }
  });

  test('makes no placeholder of a parent that is deleted, and still one of the other', () => {
    const decision = decide([seat], known([ACME, gone(at(1, 'msg_gone'))]));
    expect(mentioned(decision)).toEqual([ANN]);
    const deletion = event('msg_gone', remove(ANN, at(1, 'msg_gone')));
    expect(mentioned(decide([seat, deletion], nothing()))).toEqual([ACME]);
  });

  test('that is stale still makes its parents be there', () => {
    const decision = decide([seat], known([SEAT, stored(at(60, 'msg_later'))]));
    expect(outcomes(decision)).toEqual({ msg_seat: 'stale' });
    expect(mentioned(decision)).toEqual([ACME, ANN]);
  });

  test('does not bring the child back once the child itself is deleted', () => {
    const decision = decide([seat], known([SEAT, gone(at(1, 'msg_gone'))]));
    expect(outcomes(decision)).toEqual({ msg_seat: 'tombstoned' });
  });
});

describe('the deletion of a membership', () => {
  const leave = event(
    'msg_leave',
    remove(SEAT, at(60, 'msg_leave')),
    snapshot(ACME, 40),
    mention(ANN),
  );

  test('still says that its parents exist', () => {
    const decision = decide([leave], nothing());
    expect(outcomes(decision)).toEqual({ msg_leave: 'applied' });
    expect(deleted(decision)).toEqual([SEAT]);
    expect(written(decision)).toEqual([[ACME, 'snapshot of 40']]);
    expect(mentioned(decision)).toEqual([ANN]);
  });

  test('says nothing of parents that are deleted, and is applied all the same', () => {
    const tombstones = known([ACME, gone(at(1, 'msg_x'))], [ANN, gone(at(1, 'msg_y'))]);
    const decision = decide([leave], tombstones);
    expect(outcomes(decision)).toEqual({ msg_leave: 'applied' });
    expect(deleted(decision)).toEqual([SEAT]);
    expect(written(decision)).toEqual([]);
    expect(mentioned(decision)).toEqual([]);
  });
});

describe('a snapshot of an organization', () => {
  const join = (updatedAt: number) =>
    event(
      'msg_join',
      state(SEAT, at(50, 'msg_join'), [ACME, ANN]),
      snapshot(ACME, updatedAt),
      mention(ANN),
    );
  const own = (updatedAt: number) =>
    event('msg_own', state(ACME, version(updatedAt, 1, 'msg_own')));

  test('makes an organization whose own event has not come', () => {
    const decision = decide([join(40)], nothing());
    expect(written(decision)).toEqual([
      [ACME, 'snapshot of 40'],
      [SEAT, 'msg_join'],
    ]);
  });

  test('loses a tie to an event of the organization, in the batch and against what is stored', () => {
    for (const batch of [
      [join(40), own(40)],
      [own(40), join(40)],
    ]) {
      expect(rowOf(decide(batch, nothing()), ACME)).toBe('msg_own');
    }
    const later = decide([join(40)], known([ACME, stored(version(40, 1, 'msg_own'))]));
    expect(rowOf(later, ACME)).toBeUndefined();
    const earlier = decide([own(40)], known([ACME, stored(version(40, 0, ''))]));
    expect(rowOf(earlier, ACME)).toBe('msg_own');
  });

  test('wins when it is newer, and loses when it is older', () => {
    expect(rowOf(decide([own(40), join(41)], nothing()), ACME)).toBe('snapshot of 41');
    expect(rowOf(decide([join(39), own(40)], nothing()), ACME)).toBe('msg_own');
  });

  test('that equals the stored one is not newer', () => {
    const decision = decide([join(40)], known([ACME, stored(version(40, 0, ''))]));
    expect(rowOf(decision, ACME)).toBeUndefined();
    expect(outcomes(decision)).toEqual({ msg_join: 'applied' });
  });

  test('never brings a deleted organization back', () => {
    const decision = decide(
      [event('msg_leave', remove(SEAT, at(60, 'msg_leave')), snapshot(ACME, 99))],
      known([ACME, gone(at(1, 'msg_gone'))]),
    );
    expect(written(decision)).toEqual([]);
  });
});

describe('the outcome of an event', () => {
  test('is that of its first fact, whatever becomes of the others', () => {
    const stale = event(
      'msg_stale',
      state(SEAT, at(1, 'msg_stale'), [ACME, ANN]),
      snapshot(ACME, 99),
      mention(ANN),
    );
    const decision = decide([stale], known([SEAT, stored(at(50, 'msg_later'))]));
    expect(outcomes(decision)).toEqual({ msg_stale: 'stale' });
    expect(rowOf(decision, ACME)).toBe('snapshot of 99');
  });

  test('is given for every event, and only for those', () => {
    expect(outcomes(decide([], nothing()))).toEqual({});
    const batch = [
      event('msg_1', state(ANN, at(1, 'msg_1'))),
      event('msg_2', remove(BOB, at(1, 'msg_2'))),
      event('msg_3', state(SEAT, at(1, 'msg_3'), [ACME, BOB]), snapshot(ACME, 1), mention(BOB)),
    ];
    expect(outcomes(decide(batch, nothing()))).toEqual({
      msg_1: 'applied',
      msg_2: 'applied',
      msg_3: 'tombstoned',
    });
  });
});

test('a mention of a deleted entity makes no placeholder', () => {
  const hint = event('msg_hint', remove(SEAT, at(1, 'msg_hint')), mention(ANN));
  expect(mentioned(decide([hint], known([ANN, gone(at(1, 'msg_gone'))])))).toEqual([]);
  const deletion = event('msg_gone', remove(ANN, at(1, 'msg_gone')));
  expect(mentioned(decide([hint, deletion], nothing()))).toEqual([]);
});

test('what was handed in is left as it was', () => {
  const batch = [
    event('msg_2', state(ANN, at(2, 'msg_2'))),
    event('msg_1', remove(BOB, at(1, 'msg_1'))),
  ];
  const versions = known([ANN, stored(at(1, 'msg_0'))]);
  decide(Object.freeze(batch), versions);
  expect(batch.map(({ id }) => id)).toEqual(['msg_2', 'msg_1']);
  expect(versions).toEqual(known([ANN, stored(at(1, 'msg_0'))]));
});

describe('a forced event', () => {
  const forced = (id: string, ...facts: Facts) => ({ ...event(id, ...facts), force: true });

  test('writes again what is stored at its very version', () => {
    const versions = known([ANN, stored(at(1, 'msg_1'))]);
    const decision = decide([forced('msg_1', state(ANN, at(1, 'msg_1')))], versions);
    expect(decision.outcomes.get('msg_1')).toBe('applied');
    expect(decision.rows.size).toBe(1);
  });

  test('never passes a newer version', () => {
    const versions = known([ANN, stored(at(2, 'msg_2'))]);
    const decision = decide([forced('msg_1', state(ANN, at(1, 'msg_1')))], versions);
    expect(decision.outcomes.get('msg_1')).toBe('stale');
    expect(decision.rows.size).toBe(0);
  });

  test('never passes a tombstone', () => {
    const versions = known([ANN, gone(at(1, 'msg_1'))]);
    const decision = decide([forced('msg_2', state(ANN, at(2, 'msg_2')))], versions);
    expect(decision.outcomes.get('msg_2')).toBe('tombstoned');
  });

  test('deletes again what its own tombstone says is deleted, and leaves the tombstone of another', () => {
    const again = decide(
      [forced('msg_1', remove(ANN, at(1, 'msg_1')))],
      known([ANN, gone(at(1, 'msg_1'))]),
    );
    expect(again.outcomes.get('msg_1')).toBe('applied');
    expect(again.deletions.size).toBe(1);
    const other = decide(
      [forced('msg_2', remove(ANN, at(2, 'msg_2')))],
      known([ANN, gone(at(1, 'msg_1'))]),
    );
    expect(other.outcomes.get('msg_2')).toBe('stale');
  });
});

function event(id: string, ...facts: Facts): EventFacts {
  return { id, facts, force: false };
}

function version(updatedAt: number, occurredAt: number, eventId: string): Version {
  return { updatedAt, occurredAt, eventId };
}

function at(time: number, eventId: string): Version {
  return version(time, time, eventId);
}

function state(key: Key, as: Version, parents: readonly Key[] = []): Fact {
  return { kind: 'state', key, version: as, row: row(key, as.eventId), parents };
}

/** As projections make it: without a time or an id of its own. */
function snapshot(key: Key, updatedAt: number): Fact {
  const as = version(updatedAt, 0, '');
  return { kind: 'snapshot', key, version: as, row: row(key, `snapshot of ${updatedAt}`) };
}

function mention(key: Key): Fact {
  return { kind: 'mention', key };
}

function remove(key: Key, as: Version): Fact {
  return { kind: 'deletion', key, version: as };
}

/** `data` tells where the row came from. */
function row(key: Key, data: string) {
  return { id: key.entityId, public_metadata: null, created_at: null, updated_at: null, data };
}

function nothing(): Map<string, Known> {
  return new Map();
}

function known(...entries: [Key, Known][]): Map<string, Known> {
  return new Map(entries.map(([key, what]) => [nameOf(key), what]));
}

function stored(as: Version): Known {
  return { version: as, deleted: false, erased: false };
}

function gone(as: Version): Known {
  return { version: as, deleted: true, erased: false };
}

function outcomes(decision: Decision) {
  return Object.fromEntries(decision.outcomes);
}

/** Keys and where their rows came from, sorted. */
function written(decision: Decision) {
  const rows = [...decision.rows.values()].map(({ key, row: { data } }) => [key, data] as const);
  return rows.sort(([a], [b]) => (label(a) < label(b) ? -1 : 1));
}

function rowOf(decision: Decision, key: Key) {
  return written(decision).find(([one]) => label(one) === label(key))?.[1];
}

function deleted(decision: Decision) {
  return [...decision.deletions.values()].map(({ key }) => key);
}

function mentioned(decision: Decision) {
  return [...decision.mentions.values()].sort((a, b) => (label(a) < label(b) ? -1 : 1));
}

function label({ entityType, entityId }: Key) {
  return `${entityType} ${entityId}`;
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((others) => [item, ...others]),
  );
}
