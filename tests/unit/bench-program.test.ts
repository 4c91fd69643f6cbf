/** What `npm run bench` is told, and the order in which it runs what. */
import { CannotRun } from '../../bench/cannot-run.js';
import { VoidFigure, type Bench, type Sample, type Scenario } from '../../bench/contract.js';
import { readFlags } from '../../bench/flags.js';
import { mergeResults } from '../../bench/merge-results.js';
import { printRun, printScenario } from '../../bench/print.js';
import { type Results, type ScenarioResult } from '../../bench/results.js';
import { listVoids } from '../../bench/run-bench.js';
import { runScenario } from '../../bench/run-scenario.js';
import { MACHINE } from '../support/bench-machine.js';

describe('flags', () => {
  const names = ['worker-rate', 'ingest-rate'];

  test('without any, everything runs and is written', () => {
    expect(readFlags([], names)).toEqual({
      does: 'run',
      form: 'full',
      only: undefined,
      rounds: 5,
      isWriting: true,
      profiled: undefined,
    });
  });

  test.each<[string, object]>([
    ['--short', { form: 'short', isWriting: false }],
    ['--short --no-write', { form: 'short', isWriting: false }],
    ['--no-write --rounds 9', { rounds: 9, isWriting: false }],
    ['--only ingest-rate,worker-rate', { only: ['ingest-rate', 'worker-rate'] }],
    ['--render', { does: 'render' }],
    ['--profile worker', { does: 'profile', profiled: 'worker' }],
    ['-h', { does: 'help' }],
    ['--help', { does: 'help' }],
  ])('%s', (args, expected) => {
    expect(readFlags(args.split(' '), names)).toMatchObject(expected);
  });

  test.each([
    ['--only nothing', 'There are: worker-rate, ingest-rate.'],
    ['--only', 'argument missing'],
    ['--only ,', 'There are: worker-rate, ingest-rate.'],
    ['--rounds 0', 'a whole number from 1 to 100, not 0'],
    ['--rounds 1.5', 'a whole number from 1 to 100, not 1.5'],
    ['--rounds many', 'not many'],
    ['--profile board', 'takes ingest or worker, not board'],
    ['--render --profile worker', 'two things'],
    ['--render --short', 'are for a run, not for --render'],
    ['--fast', "Unknown option '--fast'. Try npm run bench -- --help."],
    ['worker-rate', "Unexpected argument 'worker-rate'"],
  ])('%s is refused: %s', (args, message) => {
    expect(() => readFlags(args.split(' '), names)).toThrow(CannotRun);
    expect(() => readFlags(args.split(' '), names)).toThrow(message);
  });
});

describe('a scenario', () => {
  test('runs its contenders in turn, and in reverse in each second round', async () => {
    const order: string[] = [];
    const run = (name: string) => async () => {
      order.push(name);
      return { value: 1 };
    };
    await start({ contenders: { a: run('a'), b: run('b'), c: run('c') }, rounds: 3 });
    expect(order.join('')).toBe('abccbaabc');
  });

  test('lets the servers settle before each run', async () => {
    const order: string[] = [];
    const run = async () => ({ value: order.push('run') });
    await start({ contenders: { a: run, b: run }, settle: () => order.push('settle') });
    expect(order).toEqual(['settle', 'run', 'settle', 'run']);
  });

  test('runs once in the short form, and as often as it sets itself in the full one', async () => {
    const contenders = { a: async () => ({ value: 1 }) };
    const short = await start({ contenders, form: 'short', rounds: 5, ownRounds: 3 });
    const full = await start({ contenders, form: 'full', rounds: 5, ownRounds: 3 });
    expect([short.runs.length, full.runs.length]).toEqual([1, 3]);
  });

  test('goes on after a void figure, and tells of it', async () => {
    let attempts = 0;
    const result = await start({
      contenders: {
        ours: async () => {
          attempts += 1;
          if (attempts === 2) throw new VoidFigure('7 rows are missing');
          return { value: attempts };
        },
      },
      rounds: 3,
    });
    expect(result.runs).toEqual([
      { contender: 'ours', round: 1, sample: { value: 1 } },
      { contender: 'ours', round: 2, void: '7 rows are missing' },
      { contender: 'ours', round: 3, sample: { value: 3 } },
    ]);
    expect(listVoids(resultsOf(result))).toEqual(['rate, ours, round 2: 7 rows are missing']);
    expect(printRun(result.runs[1] ?? neverRun(), 'events/s')).toContain(
      'VOID: 7 rows are missing',
    );
    expect(printScenario(result, 'full')).toContain('ours (1 void)');
  });

  test.each([0, -1, NaN, Infinity])('takes %d for no figure', async (value) => {
    const { runs } = await start({ contenders: { ours: async () => ({ value }) } });
    expect(runs).toEqual([{ contender: 'ours', round: 1, void: `${value} is no figure` }]);
  });

  test('that crashes is void, with the stack, and closes what it opened', async () => {
    let isClosed = false;
    const { runs } = await start({
      contenders: { ours: () => Promise.reject(new Error('the worker ended')) },
      close: () => (isClosed = true),
    });
    expect(runs).toMatchObject([{ void: expect.stringContaining('Error: the worker ended\n') }]);
    expect(isClosed).toBe(true);
  });

  test('that cannot even begin is void', async () => {
    const { runs } = await start({ open: () => Promise.reject(new Error('no disk left')) });
    expect(runs).toMatchObject([
      { contender: 'the scenario itself', void: expect.stringContaining('no disk left') },
    ]);
  });

  test('that is told to stop stops in mid-run, and keeps nothing', async () => {
    const stopping = new AbortController();
    const running = start({
      contenders: {
        ours: () => {
          stopping.abort(new Error('told to stop'));
          return new Promise<Sample>(() => undefined);
        },
      },
      stopping: stopping.signal,
    });
    await expect(running).rejects.toThrow('told to stop');
  });
});

describe('results of some scenarios', () => {
  const order = ['worker-rate', 'ingest-rate'];
  const stored = resultsOf(named('worker-rate', 1), named('ingest-rate', 1), named('gone', 1));

  test('take the place of what is stored of them, in the order of the document', () => {
    const merged = mergeResults(stored, resultsOf(named('ingest-rate', 2)), order);
    expect(merged.scenarios.map(({ name, seconds }) => [name, seconds])).toEqual([
      ['worker-rate', 1],
      ['ingest-rate', 2],
    ]);
  });

  test('do not mix with those of another machine or other versions', () => {
    const measured = resultsOf(named('ingest-rate', 2));
    const elsewhere = { ...measured, machine: { ...measured.machine, cores: 64 } };
    expect(() => mergeResults(stored, elsewhere, order)).toThrow('another machine');
    const newer = { ...measured, versions: { bullmq: '9.9.9' } };
    expect(() => mergeResults(stored, newer, order)).toThrow('another bullmq');
    expect(mergeResults(undefined, newer, order)).toBe(newer);
  });
});

interface Start {
  contenders?: Record<string, () => Promise<Sample>>;
  open?: Scenario['open'];
  rounds?: number;
  ownRounds?: number;
  form?: Bench['form'];
  settle?: () => void;
  close?: () => void;
  stopping?: AbortSignal;
}

function start({ contenders = {}, rounds = 1, form = 'full', ...rest }: Start) {
  const scenario: Scenario = {
    name: 'rate',
    title: 'Rate',
    unit: 'events/s',
    description: '',
    comparisons: [],
    ...(rest.ownRounds === undefined ? {} : { rounds: rest.ownRounds }),
    open: rest.open ?? (async () => ({ contenders, close: async () => rest.close?.() })),
  };
  return runScenario(scenario, {
    bench: { form, redisUrl: '', createDatabase: neverRun, log: () => undefined },
    rounds,
    settle: async () => rest.settle?.(),
    onRun: () => undefined,
    stopping: rest.stopping ?? new AbortController().signal,
    killAll: () => undefined,
  });
}

function neverRun(): never {
  throw new Error('not called');
}

function named(name: string, seconds: number): ScenarioResult {
  return {
    name,
    title: name,
    unit: 'events/s',
    description: '',
    comparisons: [],
    measuredAt: '2026-11-21T00:00:00.000Z',
    seconds,
    rounds: 1,
    runs: [],
  };
}

function resultsOf(...scenarios: ScenarioResult[]): Results {
  return {
    machine: MACHINE,
    versions: { bullmq: '6.7.0' },
    settings: {},
    scenarios,
  };
}
