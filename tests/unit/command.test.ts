import { readArguments, readCount, readMoment } from '../../src/commands/command.js';
import { SyncError } from '../../src/errors.js';

const NOW = Date.UTC(2026, 10, 21, 12);
const HOUR_MS = 3_600_000;

describe('a moment', () => {
  test.each([
    ['90s', NOW - 90_000],
    ['30m', NOW - HOUR_MS / 2],
    ['2h', NOW - 2 * HOUR_MS],
    ['7d', NOW - 7 * 24 * HOUR_MS],
    ['0s', NOW],
    ['2026-11-21T03:00:00Z', Date.UTC(2026, 10, 21, 3)],
    ['2026-11-21T03:00:00.250Z', Date.UTC(2026, 10, 21, 3, 0, 0, 250)],
    ['2026-11-21T03:00:00+02:00', Date.UTC(2026, 10, 21, 1)],
    ['2026-11-21', Date.UTC(2026, 10, 21)],
    ['2026-11-21T03:00', new Date(2026, 10, 21, 3).getTime()],
  ])('%s is understood', (text, ms) => {
    expect(readMoment(text, '--since', NOW)).toBe(ms);
  });

  test.each([
    '',
    'yesterday',
    '2',
    '2x',
    '-2h',
    '1.5h',
    '2 h',
    '21.11.2026',
    '2026-13-01',
    '2026-02-30',
    '1763694000000',
  ])('"%s" is refused, and the option named', (text) => {
    const read = () => readMoment(text, '--until', NOW);
    expect(read).toThrow(SyncError);
    expect(read).toThrow(/^--until takes a moment/);
    expect(read).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});

describe('a count', () => {
  test.each([
    ['1', 1],
    ['20', 20],
    ['007', 7],
  ])('%s is understood', (text, count) => {
    expect(readCount(text, '--count', 20)).toBe(count);
  });

  test.each(['', '0', '21', '-1', '1.5', '1e1', 'ten', ' 1'])('"%s" is refused', (text) => {
    expect(() => readCount(text, '--count', 20)).toThrow(
      '--count takes a whole number from 1 to 20',
    );
  });
});

describe('arguments', () => {
  const options = { id: { type: 'string' }, force: { type: 'boolean', default: false } } as const;

  test('are read by name, and what has none stays in its order', () => {
    const { values, positionals } = readArguments(['a', '--id', 'msg_1', 'b'], options, 'Usage');
    expect([values, positionals]).toEqual([{ id: 'msg_1', force: false }, ['a', 'b']]);
  });

  test.each([[['--unknown']], [['--id']], [['--force=yes']]])('%j quote the usage', (args) => {
    const read = () => readArguments(args, options, 'Usage: npm run it');
    expect(read).toThrow(/\nUsage: npm run it$/);
    expect(read).toThrow(expect.objectContaining({ code: 'usage.invalid', exitCode: 2 }));
  });
});
