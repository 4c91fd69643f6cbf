import { createProgress, type Progress } from '../../src/commands/progress.js';

interface Watched {
  progress: Progress;
  /** All that was written so far. */
  written: () => string[];
  pass: (ms: number) => void;
}

function watch({
  isTerminal,
  total = 200,
}: {
  isTerminal: boolean;
  total?: number | null;
}): Watched {
  const texts: string[] = [];
  let now = 1_000;
  const write = (text: string) => texts.push(text);
  return {
    progress: createProgress({ label: 'replaying', total, write, isTerminal, now: () => now }),
    written: () => texts,
    pass: (ms) => (now += ms),
  };
}

test('on a terminal one line is written over: how much is done, how fast, and what is left', () => {
  const { progress, written, pass } = watch({ isTerminal: true });
  progress.show(0);
  pass(1_000);
  progress.show(50);
  progress.end();
  const bar = `${'█'.repeat(6)}${'░'.repeat(18)}`;
  expect(written()).toEqual([
    `\rreplaying ${'░'.repeat(24)} 0 %, 0 of 200, 0/s\u001b[K`,
    `\rreplaying ${bar} 25 %, 50 of 200, 50/s, 3 s left\u001b[K`,
    '\r\u001b[K',
  ]);
});

test('a terminal is not written to more often than it can be read', () => {
  const { progress, written, pass } = watch({ isTerminal: true });
  for (let done = 0; done < 100; done++) {
    progress.show(done);
    pass(1);
  }
  expect(written()).toHaveLength(1);
});

test('elsewhere a whole line comes now and then, and nothing at all of what is done at once', () => {
  const { progress, written, pass } = watch({ isTerminal: false });
  progress.show(1);
  pass(10_000);
  progress.show(100);
  progress.end();
  expect(written()).toEqual([
    `replaying ${'█'.repeat(12)}${'░'.repeat(12)} 50 %, 100 of 200, 10/s, 10 s left\n`,
  ]);
});

test('without a total it counts', () => {
  const { progress, written, pass } = watch({ isTerminal: false, total: null });
  pass(10_000);
  progress.show(30);
  expect(written()).toEqual(['replaying: 30, 3/s\n']);
});

test.each([
  [1_000, '1 s left'],
  [100_000, '2 min left'],
  [40_000_000, '11 h 7 min left'],
])('of %i more at 1,000 a second it says: %s', (more, left) => {
  const { progress, written, pass } = watch({ isTerminal: false, total: 10_000 + more });
  pass(10_000);
  progress.show(10_000);
  expect(written().join()).toContain(left);
});

test('more than was expected is no more than all', () => {
  const { progress, written, pass } = watch({ isTerminal: false, total: 10 });
  pass(10_000);
  progress.show(20);
  expect(written().join()).toContain('100 %, 20 of 10, 2/s, 0 s left');
});

test('an empty total is done', () => {
  const { progress, written, pass } = watch({ isTerminal: false, total: 0 });
  pass(10_000);
  progress.show(0);
  expect(written().join()).toContain('100 %');
});
