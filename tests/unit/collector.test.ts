/** One job, one result, one retry, yet one transaction per hundred. */
import { createCollector } from '../../src/queue/collector.js';

describe('items of one turn of the event loop', () => {
  test('go as one batch, and each gets its own result', async () => {
    const { collect, batches } = collectWith({ maxSize: 10, maxInFlight: 1 });
    const results = ['a', 'b', 'c'].map((item) => collect(item));
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([['a', 'b', 'c']]);
    batches[0]?.finish();
    expect(await Promise.all(results)).toEqual(['A', 'B', 'C']);
  });

  test('go in as many batches as their number needs, in order', async () => {
    const { collect, batches } = collectWith({ maxSize: 2, maxInFlight: 9 });
    const results = ['a', 'b', 'c', 'd', 'e'].map((item) => collect(item));
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    for (const batch of batches.toReversed()) batch.finish();
    expect(await Promise.all(results)).toEqual(['A', 'B', 'C', 'D', 'E']);
  });

  test('get each their own result, though they are equal', async () => {
    let count = 0;
    const collect = createCollector<string, number>({
      apply: async (items) => items.map(() => ++count),
      maxSize: 10,
      maxInFlight: 1,
    });
    expect(await Promise.all([collect('a'), collect('a'), collect('a')])).toEqual([1, 2, 3]);
  });
});

describe('while as many batches as allowed are in flight', () => {
  test('what comes waits, and goes in the next batch', async () => {
    const { collect, batches } = collectWith({ maxSize: 10, maxInFlight: 1 });
    const first = collect('a');
    await turn();
    const others = ['b', 'c'].map((item) => collect(item));
    await turn();
    others.push(collect('d'));
    await turn();
    expect(batches).toHaveLength(1);
    batches[0]?.finish();
    expect(await first).toBe('A');
    await turn();
    expect(batches[1]?.items).toEqual(['b', 'c', 'd']);
    batches[1]?.finish();
    expect(await Promise.all(others)).toEqual(['B', 'C', 'D']);
  });

  test('no more begin, however many wait, and the first to end makes room for one', async () => {
    const { collect, batches } = collectWith({ maxSize: 1, maxInFlight: 2 });
    const results = ['a', 'b', 'c', 'd'].map((item) => collect(item));
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([['a'], ['b']]);
    batches[1]?.finish();
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([['a'], ['b'], ['c']]);
    batches[0]?.finish();
    await turn();
    for (const batch of batches) batch.finish();
    expect(await Promise.all(results)).toEqual(['A', 'B', 'C', 'D']);
  });
});

describe('a batch that fails', () => {
  test('rejects exactly its own items, with the reason', async () => {
    const { collect, batches } = collectWith({ maxSize: 2, maxInFlight: 2 });
    const results = Promise.allSettled(['a', 'b', 'c', 'd'].map((item) => collect(item)));
    await turn();
    const reason = new Error('the database is away');
    batches[0]?.fail(reason);
    batches[1]?.finish();
    expect(await results).toEqual([
      { status: 'rejected', reason },
      { status: 'rejected', reason },
      { status: 'fulfilled', value: 'C' },
      { status: 'fulfilled', value: 'D' },
    ]);
  });

  test('makes room for the next', async () => {
    const { collect, batches } = collectWith({ maxSize: 1, maxInFlight: 1 });
    const results = Promise.allSettled([collect('a'), collect('b')]);
    await turn();
    batches[0]?.fail(new Error('no'));
    await turn();
    batches[1]?.finish();
    expect((await results)[1]).toEqual({ status: 'fulfilled', value: 'B' });
  });

  test('may do so before it has returned a promise', async () => {
    const collect = createCollector<string, string>({
      apply: () => {
        throw new Error('at once');
      },
      maxSize: 1,
      maxInFlight: 1,
    });
    await expect(collect('a')).rejects.toThrow('at once');
    await expect(collect('b')).rejects.toThrow('at once');
  });
});

test('an item that the batch has no result for is rejected, its neighbours are not', async () => {
  const collect = createCollector<string, string>({
    apply: async (items) => items.slice(0, -1),
    maxSize: 10,
    maxInFlight: 1,
  });
  expect(await Promise.allSettled([collect('a'), collect('b')])).toEqual([
    { status: 'fulfilled', value: 'a' },
    { status: 'rejected', reason: expect.any(Error) },
  ]);
});

test('a thousand items that come one by one all get their own results', async () => {
  const sizes: number[] = [];
  const collect = createCollector<number, number>({
    apply: async (items) => {
      sizes.push(items.length);
      await turn();
      return items.map((item) => item * 2);
    },
    maxSize: 7,
    maxInFlight: 2,
  });
  const results: Promise<number>[] = [];
  for (let item = 0; item < 1_000; item++) {
    results.push(collect(item));
    if (item % 13 === 0) await turn();
  }
  expect(await Promise.all(results)).toEqual(Array.from({ length: 1_000 }, (_, item) => item * 2));
  expect(Math.max(...sizes)).toBe(7);
});

/** A collector whose batches end when the test says so; an item's result is its capital. */
function collectWith(bounds: { maxSize: number; maxInFlight: number }) {
  const batches: { items: readonly string[]; finish: () => void; fail: (reason: Error) => void }[] =
    [];
  const apply = (items: readonly string[]) =>
    new Promise<string[]>((resolve, reject) => {
      const finish = () => {
        resolve(items.map((item) => item.toUpperCase()));
      };
      batches.push({ items, finish, fail: reject });
    });
  return { collect: createCollector<string, string>({ apply, ...bounds }), batches };
}

/** Long enough for all that is due to begin: nothing here waits for anything but the event loop. */
async function turn(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
