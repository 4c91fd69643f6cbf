/** How `why` shows what it found: times, columns, tables, and what is not for showing. */
import { PassThrough } from 'node:stream';
import { formatAgo, formatMoment, formatSpan } from '../../src/commands/format-time.js';
import { formatTable, wrapText } from '../../src/commands/terminal-table.js';
import { askYesNo, describeTerminal, toPlainText } from '../../src/commands/terminal.js';
import { summariseRow } from '../../src/commands/why/summarise-row.js';

describe('times', () => {
  test.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1.0 s'],
    [9_999, '9.9 s'],
    [10_000, '10 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [185_000, '3 min 5 s'],
    [3_600_000, '1 h'],
    [18_600_000, '5 h 10 min'],
    [100_000_000, '27 h 46 min'],
    [172_800_000, '2 d'],
    [183_600_000, '2 d 3 h'],
    [-1_500, '-1.5 s'],
    [null, '-'],
  ])('%p milliseconds are %p', (ms, text) => {
    expect(formatSpan(ms)).toBe(text);
  });

  test('moments are in UTC, spans say whether they are over', () => {
    const moment = Date.UTC(2026, 10, 21, 3, 4, 5, 678);
    expect(formatMoment(moment)).toBe('2026-11-21 03:04:05');
    expect(formatMoment(new Date(moment).toISOString(), true)).toBe('2026-11-21 03:04:05.678');
    expect(formatMoment(null)).toBe('-');
    expect(formatAgo(moment, moment + 42_000)).toBe('42 s ago');
    expect(formatAgo(moment, moment - 42_000)).toBe('in 42 s');
  });
});

describe('a table', () => {
  const table = {
    heads: ['A', 'LONG HEAD', 'C'],
    rows: [
      { cells: [{ text: 'one' }, { text: 'x' }, { text: 'end' }] },
      { cells: [{ text: 'three' }, { text: '' }, { text: 'end' }], note: { text: 'a b c d' } },
    ],
  };

  test('aligns its columns', () => {
    expect(formatTable({ ...table, width: Infinity })).toEqual([
      'A      LONG HEAD  C',
      'one    x          end',
      'three             end',
      '    a b c d',
    ]);
  });

  test('that is too wide goes on below, aligned too, and no line is wider than the terminal', () => {
    const lines = formatTable({ ...table, width: 16 });
    expect(lines).toEqual([
      'A      LONG HEAD',
      '    C',
      'one    x',
      '    end',
      'three',
      '    end',
      '    a b c d',
    ]);
    for (let width = 13; width < 30; width++) {
      const longest = Math.max(...formatTable({ ...table, width }).map((line) => line.length));
      expect(longest).toBeLessThanOrEqual(width);
    }
    expect(formatTable({ ...table, width: 9 }).at(-1)).toBe('    d');
  });

  test('is aligned with colours as without', () => {
    const paint = (text: string) => `<${text}>`;
    const rows = [
      {
        cells: [
          { text: 'one', paint },
          { text: 'x', paint },
        ],
      },
    ];
    expect(formatTable({ heads: ['A', 'B'], rows, width: 80, paintHead: paint })).toEqual([
      '<A>    <B>',
      '<one>  <x>',
    ]);
  });

  test('text breaks at spaces, and a long word stays whole', () => {
    expect(wrapText('to be or not', 5, '  ')).toEqual(['to be', '  or', '  not']);
    expect(wrapText('antidisestablishment', 5)).toEqual(['antidisestablishment']);
    expect(wrapText('', 5)).toEqual(['']);
  });
});

describe('a terminal', () => {
  const isColoured = (environment: Record<string, string>, output: object) =>
    describeTerminal(environment, { columns: 100, isTTY: true, ...output }).paint('red', 'x') !==
    'x';

  test('has colours, unless NO_COLOR or its kind says otherwise; a pipe has none', () => {
    expect(isColoured({}, {})).toBe(true);
    expect(isColoured({ NO_COLOR: '' }, {})).toBe(true);
    expect(isColoured({ NO_COLOR: '1' }, {})).toBe(false);
    expect(isColoured({ TERM: 'dumb' }, {})).toBe(false);
    expect(isColoured({}, { isTTY: false })).toBe(false);
  });

  test('has a width; a pipe has none', () => {
    expect(describeTerminal({}, { isTTY: true, columns: 100 }).width).toBe(100);
    expect(describeTerminal({}, { isTTY: true, columns: 0 }).width).toBe(80);
    expect(describeTerminal({}, { isTTY: false, columns: 100 }).width).toBe(Infinity);
  });

  test('what would move the cursor, hide or reverse text comes out as its code', () => {
    expect(toPlainText('a\u001b[2J\r\n\u0085\u202eb\u200b\ud800é😀')).toBe(
      String.raw`a\u{1b}[2J\u{d}\u{a}\u{85}\u{202e}b\u{200b}\u{d800}é😀`,
    );
  });

  test.each([
    ['y\n', true],
    ['Yes\n', true],
    ['n\n', false],
    ['\n', false],
    ['yesterday\n', false],
    ['', false],
  ])('the answer %p is %p', async (answer, expected) => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    input.end(answer);
    expect(await askYesNo('Sure?', { input, output })).toBe(expected);
    expect(String(output.read())).toMatch(/^Sure\? \[y\/N\] /);
  });
});

describe('a row', () => {
  const row = {
    id: 'user_a',
    email: 'ada@example.com',
    first_name: 'Ada',
    last_name: null,
    username: '',
    phone: null,
    role: 'admin',
    status: 'active',
    external_id: 'employee-7',
    last_sign_in_at: new Date(0),
    public_metadata: {},
    private_metadata: { salary: 1 },
    data: { id: 'user_a' },
  };

  test('shows ids, states and times; of what is a person’s only that it is there', () => {
    expect(summariseRow('users', row, false)).toEqual({
      shown: { role: 'admin', status: 'active', last_sign_in_at: '1970-01-01T00:00:00.000Z' },
      set: ['email', 'first_name', 'external_id', 'private_metadata', 'data'],
      empty: ['username', 'public_metadata'],
      null: ['last_name', 'phone', 'image_url', 'unsafe_metadata', 'created_at', 'updated_at'],
    });
  });

  test('shows everything to whoever asks for it', () => {
    const { shown, set } = summariseRow('users', row, true);
    expect(set).toEqual([]);
    expect(shown).toMatchObject({ email: 'ada@example.com', private_metadata: { salary: 1 } });
  });

  test('a role that is no single word may be anything, and is not shown', () => {
    expect(summariseRow('users', { role: 'ada@example.com' }, false).set).toEqual(['role']);
  });

  test('a number is shown where it counts things, not where it is money', () => {
    expect(summariseRow('organizations', { members_count: 7 }, false).shown).toEqual({
      members_count: 7,
    });
    expect(summariseRow('payment_attempts', { amount: 7 }, false).set).toEqual(['amount']);
  });
});
