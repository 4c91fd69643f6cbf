/** What a replay selects, plans and says, without queue and database. */
import { type Candidate } from '../../src/commands/replay/candidates.js';
import { planReplay } from '../../src/commands/replay/plan.js';
import {
  describeReplayed,
  describeTotals,
  NO_ACTIONS,
  toEventJson,
  toTotalsJson,
} from '../../src/commands/replay/report.js';
import { isSelected, readSelection, toLedgerFilter } from '../../src/commands/replay/selection.js';
import { type Outcome } from '../../src/db/ledger.js';
import { type QueuedState } from '../../src/queue/read-jobs.js';

const NOW = Date.UTC(2026, 10, 21, 12);
const HOUR_MS = 3_600_000;
const BODY = '{"type":"user.updated","data":{"id":"user_1"}}';

describe('a selection', () => {
  const read = (values: Partial<Parameters<typeof readSelection>[0]>) =>
    readSelection({ failed: false, ...values }, NOW);

  test.each([
    [{}, /^Which events\?/],
    [{ until: '1h' }, /^--until alone/],
    [{ id: '' }, /^--id names nothing/],
    [{ entity: '' }, /^--entity names nothing/],
    [{ failed: true, type: '' }, /^--type names nothing/],
    [{ since: 'yesterday' }, /^--since takes a moment/],
    [{ failed: true, until: 'soon' }, /^--until takes a moment/],
    [{ since: '1h', until: '2h' }, /^--until must be later/],
    [{ since: '1h', until: '1h' }, /^--until must be later/],
  ])('%j is refused', (values, cause) => {
    expect(() => read(values)).toThrow(cause);
    expect(() => read(values)).toThrow(expect.objectContaining({ code: 'usage.invalid' }));
  });

  test('asks the ledger for what has failed, of one type, entity and time', () => {
    const values = {
      failed: true,
      type: 'user.updated',
      entity: 'user_1',
      since: '2h',
      until: '1h',
    };
    expect(toLedgerFilter(read(values))).toEqual({
      id: undefined,
      outcome: 'failed',
      type: 'user.updated',
      entityId: 'user_1',
      since: NOW - 2 * HOUR_MS,
      until: NOW - HOUR_MS,
    });
  });

  test.each([
    [{ id: 'msg_1' }, true],
    [{ id: 'msg_2' }, false],
    [{ type: 'user.updated' }, true],
    [{ type: 'user.created' }, false],
    [{ entity: 'user_1' }, true],
    [{ entity: 'user_2' }, false],
    [{ since: '1h' }, true],
    [{ since: '59m' }, false],
    [{ since: '2h', until: '1h' }, false],
    [{ since: '2h', until: '59m' }, true],
    [{ type: 'user.updated', entity: 'user_1', since: '1h' }, true],
    [{ type: 'user.updated', entity: 'user_2', since: '1h' }, false],
    [{ type: 'user.created', entity: 'user_1' }, false],
  ])('%j takes an event of user_1, an hour old: %s', (values, expected) => {
    const delivery = { id: 'msg_1', body: BODY, receivedAt: NOW - HOUR_MS };
    expect(isSelected(delivery, read(values))).toBe(expected);
  });

  test('a body that cannot be read is of no type', () => {
    const delivery = { id: 'msg_1', body: '{', receivedAt: NOW };
    expect(isSelected(delivery, read({ type: 'user.updated' }))).toBe(false);
    expect(isSelected(delivery, read({ failed: true }))).toBe(true);
  });
});

describe('a plan', () => {
  const candidate = (
    outcome: Outcome | null,
    state: QueuedState | null,
    payload: string | null = '{"from":"the ledger"}',
  ): Candidate => ({
    id: 'msg_1',
    ledger:
      outcome === null
        ? undefined
        : {
            id: 'msg_1',
            type: 'user.updated',
            entityType: 'user',
            entityId: 'user_1',
            outcome,
            receivedAt: NOW - 1,
            payload,
          },
    queued:
      state === null
        ? undefined
        : { state, type: 'user.updated', delivery: { id: 'msg_1', body: BODY, receivedAt: NOW } },
  });

  test.each<[Outcome | null, QueuedState | null, string, string]>([
    // outcome, job, without --force, with it
    ['applied', null, 'skipped', 'added'],
    ['applied', 'completed', 'skipped', 'repeated'],
    ['applied', 'failed', 'revived', 'revived'],
    ['applied', 'pending', 'skipped', 'pending'],
    ['stale', null, 'skipped', 'added'],
    ['stale', 'completed', 'skipped', 'repeated'],
    ['failed', null, 'added', 'added'],
    ['failed', 'failed', 'revived', 'revived'],
    ['failed', 'delayed', 'promoted', 'promoted'],
    ['ignored', null, 'added', 'added'],
    ['ignored', 'completed', 'repeated', 'repeated'],
    ['tombstoned', 'completed', 'repeated', 'repeated'],
    [null, 'completed', 'repeated', 'repeated'],
    [null, 'failed', 'revived', 'revived'],
    [null, 'delayed', 'promoted', 'promoted'],
    [null, 'pending', 'pending', 'pending'],
    [null, null, 'unavailable', 'unavailable'],
  ])('ledger %s, job %s: %s, and %s with --force', (outcome, state, without, forced) => {
    const plans = [false, true].map((force) => planReplay(candidate(outcome, state), force));
    expect(plans.map(({ action }) => action)).toEqual([without, forced]);
    expect(plans.map(({ request }) => request?.delivery.force)).toEqual([
      undefined,
      plans[1]?.request && true,
    ]);
  });

  test('the body is the job’s while there is one, else the ledger’s, received when it was', () => {
    const fromQueue = planReplay(candidate('failed', 'failed'), false).request?.delivery;
    expect(fromQueue).toEqual({ id: 'msg_1', body: BODY, receivedAt: NOW });
    const fromLedger = planReplay(candidate('failed', null), false).request?.delivery;
    expect(fromLedger).toEqual({
      id: 'msg_1',
      body: '{"from":"the ledger"}',
      receivedAt: NOW - 1,
    });
    expect(planReplay(candidate('failed', null, null), false).action).toBe('unavailable');
  });

  test('what only the queue knows is described from its body', () => {
    const { type, entityType, entityId, outcome } = planReplay(candidate(null, 'completed'), false);
    expect([type, entityType, entityId, outcome]).toEqual(['user.updated', 'user', 'user_1', null]);
  });

  test('a failed job of an applied event is revived, yet nothing is decided about it', () => {
    expect(planReplay(candidate('applied', 'failed'), false).isDecided).toBe(false);
    expect(planReplay(candidate('applied', 'failed'), true).isDecided).toBe(true);
  });
});

describe('the report', () => {
  const replayed = {
    id: 'msg_1',
    type: 'user.deleted',
    entityType: 'user',
    entityId: 'user_1',
    receivedAt: NOW,
    outcome: 'failed',
    action: 'revived',
    foreseen: {
      outcome: 'applied',
      reason: null,
      changes: [
        {
          table: 'users',
          id: 'user_1',
          kind: 'delete',
          columns: [],
          cascades: { sessions: 2, organization_memberships: 1 },
        },
      ],
    },
  } as const;

  test('says of an event what would be decided, and what would change', () => {
    expect(describeReplayed(replayed, true)).toEqual([
      'msg_1  user.deleted  user_1  failed: would be back on the queue, with all its attempts',
      '  would be decided: applied',
      '  users user_1: deleted, and with it 2 of sessions, 1 of organization_memberships',
    ]);
  });

  test('texts of others do nothing to a terminal', () => {
    const odd = { ...replayed, type: '\u001b[2Jgone', entityId: 'user\n1', foreseen: undefined };
    expect(describeReplayed(odd, false)).toEqual([expect.stringMatching(/^[\x20-\x7e]+$/)]);
  });

  test('JSON has the same fields for each event', () => {
    const { foreseen, ...fields } = replayed;
    const receivedAt = '2026-11-21T12:00:00.000Z';
    const event = { kind: 'event', ...fields, receivedAt };
    expect(JSON.parse(toEventJson(replayed))).toEqual({ ...event, foreseen });
    expect(JSON.parse(toEventJson({ ...fields, foreseen: undefined }))).toEqual({
      ...event,
      foreseen: null,
    });
  });

  test('sums up by what was done', () => {
    const actions = { ...NO_ACTIONS, added: 1, revived: 2, pending: 1, skipped: 3, unavailable: 1 };
    const totals = { isDryRun: false, isForced: false, found: 8, actions };
    expect(describeTotals(totals).join('\n')).toBe(
      [
        'Put back on the queue: 3 of 8 events (1 added, 2 revived).',
        'On the queue already: 1.',
        'Left alone, applied already: 3; --force applies again.',
        'Cannot be replayed, for the payload is no longer kept: 1.',
        'The worker applies them; `npm run why -- ID` tells what became of one.',
      ].join('\n'),
    );
    expect(JSON.parse(toTotalsJson(totals))).toEqual({
      kind: 'summary',
      dryRun: false,
      force: false,
      found: 8,
      ...actions,
    });
  });
});
