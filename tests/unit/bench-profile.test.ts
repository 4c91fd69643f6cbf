/** What a profile is boiled down to. */
import { classifyFrame, locate } from '../../bench/profile/classify-frame.js';
import { digestProfile } from '../../bench/profile/digest-profile.js';
import { type CpuProfile, type ProfileNode } from '../../bench/profile/record-profile.js';

const BUILD = '/project/.test-build-1';
const OWN = `file://${BUILD}/src/db/rows.js`;
const PRISMA = 'file:///project/node_modules/@prisma/client/runtime/client.js';

describe('a frame', () => {
  test.each([
    [OWN, 'src/db', 'src/db/rows.ts'],
    [`file://${BUILD}/src/redaction.js`, 'src, leaves', 'src/redaction.ts'],
    [PRISMA, 'Prisma', '@prisma/client/runtime/client.js'],
    [
      'file:///project/node_modules/bullmq/node_modules/ioredis/built/Redis.js',
      'ioredis',
      'ioredis/built/Redis.js',
    ],
    ['file:///project/node_modules/body-parser/index.js', 'Express', 'body-parser/index.js'],
    ['file:///project/node_modules/fast-sha256/sha256.js', 'svix', 'fast-sha256/sha256.js'],
    ['file:///project/node_modules/left-pad/index.js', 'left-pad', 'left-pad/index.js'],
    ['wasm://wasm/00d1cb12', 'Prisma', 'wasm://wasm/00d1cb12'],
    ['node:_http_server', 'Node: HTTP', 'node:_http_server'],
    ['node:net', 'Node: sockets and streams', 'node:net'],
    ['node:internal/crypto/hash', 'Node: crypto', 'node:internal/crypto/hash'],
    ['node:internal/timers', 'Node: events, timers, promises', 'node:internal/timers'],
    ['node:url', 'Node: other', 'node:url'],
  ])('of %s is of %s', (url, group, file) => {
    expect(classifyFrame({ functionName: 'f', url }, BUILD)).toBe(group);
    expect(locate({ functionName: 'f', url }, BUILD)).toBe(file);
  });

  test('of native code is of whoever calls it, but for what V8 does by itself', () => {
    expect(classifyFrame({ functionName: 'parse', url: '' }, BUILD, 'src/clerk')).toBe('src/clerk');
    expect(classifyFrame({ functionName: '(idle)', url: '' }, BUILD)).toBe('idle');
    expect(classifyFrame({ functionName: '(garbage collector)', url: '' }, BUILD)).toBe(
      'garbage collection',
    );
  });
});

describe('a digest', () => {
  const nodes: ProfileNode[] = [
    node(1, '(root)', '', [2, 3, 4, 6]),
    node(2, '(idle)', ''),
    node(3, 'run', 'node:internal/modules/run_main', [7]),
    node(4, 'execute', PRISMA, [5]),
    node(5, 'upsertRows', OWN, [8]),
    node(6, '(garbage collector)', ''),
    node(7, 'top', OWN),
    node(8, 'parse', ''),
  ];
  const digest = digestProfile(
    profileOf(nodes, [
      [2, 1000], // before the load
      [7, 500], // a module that is loaded
      [4, 100],
      [5, 200],
      [8, 200],
      [6, 300],
      [2, 200],
      [4, 200],
      [2, 5000], // after the load
    ]),
    BUILD,
  );

  test('is of the time under load, whatever lies before and after', () => {
    expect(digest.seconds).toBeCloseTo(1.2, 1);
    expect(digest.idleShare).toBeCloseTo(0.2 / 1.2, 1);
  });

  test('gives each group and each function its share of the work', () => {
    expect(Object.fromEntries(digest.groups.map(({ name, share }) => [name, share]))).toEqual({
      Prisma: expect.closeTo(0.3),
      'src/db': expect.closeTo(0.4),
      'garbage collection': expect.closeTo(0.3),
    });
    expect(digest.functions.map(({ name, share }) => [name, Math.round(share * 100)])).toEqual([
      ['execute', 30],
      ['(garbage collector)', 30],
      ['upsertRows', 20],
      ['parse', 20],
    ]);
  });

  test('keeps who calls whom, with all that a frame calls', () => {
    expect(digest.flames).toMatchObject([
      {
        name: 'execute',
        share: expect.closeTo(0.7),
        children: [
          {
            name: 'upsertRows',
            share: expect.closeTo(0.4),
            children: [{ name: 'parse', group: 'src/db', share: expect.closeTo(0.2) }],
          },
        ],
      },
      { name: '(garbage collector)', share: expect.closeTo(0.3), children: [] },
    ]);
  });
});

function node(id: number, functionName: string, url: string, children?: number[]): ProfileNode {
  return { id, callFrame: { functionName, url }, ...(children ? { children } : {}) };
}

/** @param work by node, in ms, one after the other. */
function profileOf(nodes: ProfileNode[], work: [id: number, ms: number][]): CpuProfile {
  const samples = work.flatMap(([id, ms]) => Array.from({ length: ms }, () => id));
  return { nodes, samples, timeDeltas: samples.map(() => 1000) };
}
