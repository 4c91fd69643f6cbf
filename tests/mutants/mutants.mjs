// Seeded faults: each takes one safeguard out of the core. `find` occurs exactly once in `file`; the first of `tests` that can see
// the fault is the cheapest. A mutant that survives them all is a hole in the tests.
export const MUTANTS = [
  {
    name: 'no tombstone',
    file: 'src/projections/decide.ts',
    find: 'decision.deletions.has(name) || known.get(name)?.deleted === true',
    replace: 'decision.deletions.has(name)',
    tests: ['tests/unit/convergence', 'tests/integration/histories'],
  },
  {
    name: 'comparison turned round',
    file: 'src/projections/decide.ts',
    find: '!isNewer(fact.version, current, event.force)',
    replace: 'compareVersions(fact.version, current) >= 0',
    tests: ['tests/unit/convergence', 'tests/integration/histories'],
  },
  {
    name: 'deletions not first',
    file: 'src/projections/decide.ts',
    find: 'facts.filter(isDeletion).sort(byVersion)',
    replace: 'facts.filter(isDeletion).sort(byVersion).slice(0, 0)',
    also: {
      find: '  for (const { fact } of facts) mention(decision, fact, known);',
      replace: `  for (const { event, fact } of facts.filter(isDeletion).sort(byVersion)) {
    settle(decision, event, { fact, outcome: decideDeletion(decision, { event, fact }, known) });
  }
  for (const { fact } of facts) mention(decision, fact, known);`,
    },
    tests: ['tests/unit/convergence', 'tests/integration/histories'],
  },
  {
    name: 'an organization carried along wins ties',
    file: 'src/projections/organizations.ts',
    find: "{ updatedAt, occurredAt: 0, eventId: '' }",
    replace: "{ updatedAt, occurredAt: updatedAt + 3_600_000, eventId: '~' }",
    tests: ['tests/unit/convergence', 'tests/integration/histories'],
  },
  {
    name: 'redaction skipped',
    file: 'src/http/queue-body.ts',
    find: 'if (!redactEnvelope(envelope, type, policy)) return text;',
    replace: 'redactEnvelope({}, type, policy);\n  if (text) return text;',
    tests: ['tests/unit/queue-body', 'tests/process/canary'],
  },
  {
    name: 'parents neither locked nor read',
    file: 'src/projections/locking.ts',
    find: "if (fact.kind === 'state') for (const parent of fact.parents) keys.set(nameOf(parent), parent);",
    replace: '',
    tests: ['tests/integration/histories'],
  },
  {
    name: 'parents read but not locked',
    file: 'src/db/versions.ts',
    find: 'requested.entity_id FOR SHARE',
    replace: 'requested.entity_id',
    tests: ['tests/integration/histories', 'tests/process/race'],
  },
  {
    name: 'FOR UPDATE removed',
    file: 'src/db/versions.ts',
    find: 'requested.entity_id FOR UPDATE',
    replace: 'requested.entity_id',
    tests: ['tests/integration/histories', 'tests/process/race'],
  },
  {
    name: 'versions read before the locks',
    file: 'src/projections/transaction.ts',
    find: `const [, versions, settled] = await Promise.all([
    lockVersions(tx, requests),
    readVersions(tx, [...keys, ...users.flat()]),`,
    replace: `const [versions, , settled] = await Promise.all([
    readVersions(tx, [...keys, ...users.flat()]),
    lockVersions(tx, requests),`,
    tests: ['tests/integration/histories', 'tests/process/race'],
  },
  {
    name: 'locks taken in no common order',
    file: 'src/db/versions.ts',
    find: `AS r(entity_type, entity_id, rank, exclusive)
       ORDER BY rank, entity_type COLLATE "C", entity_id COLLATE "C"`,
    replace: 'AS r(entity_type, entity_id, rank, exclusive)',
    tests: ['tests/integration/histories'],
  },
  {
    name: 'advisory lock removed',
    file: 'src/db/versions.ts',
    find: 'CASE WHEN $3::boolean THEN',
    replace: 'CASE WHEN $3::boolean AND false THEN',
    tests: ['tests/integration/histories'],
  },
  {
    name: "a cascade's children keep their versions",
    file: 'src/projections/write-decision.ts',
    find: 'await forgetChildVersions(tx, { table, ids, entityTypeOf });',
    replace: 'void forgetChildVersions;\n    void entityTypeOf;',
    tests: ['tests/integration/apply'],
  },
  {
    name: 'ledger written outside the commit',
    file: 'src/projections/transaction.ts',
    find: 'await writeDecision(tx, decision, {',
    replace: 'await writeDecision(db, decision, {',
    tests: ['tests/integration/histories'],
  },
  {
    name: 'ledger not consulted',
    file: 'src/projections/transaction.ts',
    find: 'force || fetched || !settled.has(entry.id)',
    replace: 'force || fetched || entry.id !== undefined',
    tests: ['tests/integration/histories'],
  },
  {
    name: 'failed treated as seen',
    file: 'src/db/ledger.ts',
    find: "SETTLED_OUTCOMES: readonly Outcome[] = ['applied', 'stale']",
    replace: "SETTLED_OUTCOMES: readonly Outcome[] = ['applied', 'stale', 'failed']",
    tests: ['tests/integration/apply', 'tests/process/pipeline'],
  },
  {
    name: 'tombstoned and ignored treated as seen',
    file: 'src/db/ledger.ts',
    find: "SETTLED_OUTCOMES: readonly Outcome[] = ['applied', 'stale']",
    replace: "SETTLED_OUTCOMES: readonly Outcome[] = ['applied', 'stale', 'tombstoned', 'ignored']",
    tests: ['tests/integration/apply'],
  },
  {
    name: 'duplicates answered as queued',
    file: 'src/queue/producer.ts',
    find: "if (presence === 'absent') return 'queued';",
    replace: "if (presence !== 'failed') return 'queued';",
    tests: ['tests/process/pipeline'],
  },
  {
    name: 'revived without all its attempts',
    file: 'src/queue/producer.ts',
    find: '{ resetAttemptsMade: true, resetAttemptsStarted: true }',
    replace: '{}',
    tests: ['tests/process/pipeline'],
  },
];
