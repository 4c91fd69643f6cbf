/** The document and its pictures say what was measured, and nobody edits them by hand. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Flame } from '../../bench/profile/digest-profile.js';
import { type StoredProfile } from '../../bench/profile/profile-process.js';
import { drawBars } from '../../bench/report/bar-plot.js';
import { drawFlames } from '../../bench/report/flame-graph.js';
import { drawLines } from '../../bench/report/line-plot.js';
import { formatTable } from '../../bench/report/markdown.js';
import { renderDocument } from '../../bench/report/render-document.js';
import { chooseTicks } from '../../bench/report/svg.js';
import { fillReadme, README } from '../../bench/report/write-readme.js';
import { DOCS, renderReport } from '../../bench/report/write-report.js';
import { formatInterval, formatNumber, formatRatio } from '../../bench/format.js';
import { readResults, type Results, type ScenarioResult } from '../../bench/results.js';
import { MACHINE } from '../support/bench-machine.js';

const stored = readResults();
if (!stored) throw new Error('bench/results/latest.json is missing.');

describe('docs/performance.md', () => {
  const files = renderReport(stored);

  test('is what the stored results and the prose make of it, with every picture', () => {
    const onDisk = [
      'performance.md',
      ...readdirSync(path.join(DOCS, 'performance')).map((name) => `performance/${name}`),
    ];
    expect(onDisk.sort()).toEqual([...files.keys()].sort());
    for (const [name, text] of files)
      expect([name, readFileSync(path.join(DOCS, name), 'utf8')]).toEqual([name, text]);
  });

  test('has a place for everything in bench/report/prose', () => {
    const prose = path.join(DOCS, '../bench/report/prose');
    for (const name of readdirSync(prose)) {
      const text = readFileSync(path.join(prose, name), 'utf8').trim();
      expect([name, files.get('performance.md')?.includes(text)]).toEqual([name, true]);
    }
  });
});

describe('README', () => {
  const text = readFileSync(README, 'utf8');

  test('has the figures that the stored results make, of which machine and day', () => {
    expect(fillReadme(text, stored)).toBe(text);
    expect(text).toContain('<!-- figures:begin -->');
    expect(text).toContain(stored.machine.cpu);
  });

  test('of other results has other figures: what is missed in bold, what is not measured left out', () => {
    const missed = { ...result({ reach: 8 }), name: 'backfill' };
    const page = fillReadme(text, { ...stored, scenarios: [missed, result()] });
    expect(page).toContain(
      '| [Rate, of everything](docs/performance.md#rate-of-everything) | ours: 400 events/s | theirs & <theirs>: 100 events/s | ' +
        '4.00, 3.00 to 5.00 (75 %) | at least 8: **falls short by 50 %** |\n\n<!-- figures:end -->',
    );
    expect(page).toContain('Measured 2026-11-21;');
    expect(page.match(/performance\.md#rate/g)).toHaveLength(1);
  });

  test('has no place for what nothing is computed for', () => {
    expect(() => fillReadme('<!-- other:begin -->\n<!-- other:end -->', stored)).toThrow('other');
  });
});

describe('the document', () => {
  const text = render(result()).get('performance.md') ?? '';

  test('has figures, ratios and verdicts of each scenario', () => {
    expect(text).toContain('| ours | 400 | 300 – 500 | RSS MB 80 |');
    expect(text).toContain('| theirs & <theirs> | 100 | 100 – 100 |  |');
    expect(text).toContain(
      '| ours / theirs & <theirs> | 4.00 | 3.00 to 5.00 (75 %) | at least 2 (stretch 3) | stretch reached |',
    );
    expect(text).toContain('[Rate, of everything](#rate-of-everything)');
    expect(text).toContain('### Rate, of everything\n');
    expect(text).toContain('![Rate, of everything](performance/rate.svg)');
    expect(text).toContain('![Rate, of everything](performance/rate-series.svg)');
  });

  test('says what it was measured on', () => {
    for (const fact of ['2 cores of a processor, 8 GB', 'bullmq 6.7.0', 'fsync on', '2026-11-21'])
      expect(text).toContain(fact);
  });

  test('says in bold what falls short', () => {
    const missed = render(result({ reach: 8 })).get('performance.md');
    expect(missed).toContain('at least 8 | **falls short by 50 %** |');
  });

  test('names what is void', () => {
    expect(text).not.toContain('oid');
    const broken = result();
    const runs = [
      ...broken.runs,
      { contender: 'ours', round: 4, void: '7 rows are missing\n at x' },
    ];
    const told = render({ ...broken, runs }).get('performance.md');
    expect(told).toContain('- rate, ours, round 4: 7 rows are missing\n');
    expect(told).toContain('| ours (1 void) |');
  });

  test('takes in what was written by hand, each in its place', () => {
    const prose = new Map([
      ['rate', 'Prose of the scenario.'],
      ['what-falls-short', 'Prose of the end.'],
    ]);
    const told = render(result(), prose).get('performance.md') ?? '';
    expect(told.indexOf('rate-series.svg')).toBeLessThan(told.indexOf('Prose of the scenario.'));
    expect(told.trimEnd().endsWith('Prose of the end.')).toBe(true);
  });

  test('has the profiles', () => {
    const files = render(result(), new Map(), [PROFILE]);
    expect(files.get('performance.md')).toContain('| `upsertRows` | src/db/rows.ts | 25.0 % |');
    expect(files.get('performance.md')).toContain('| Prisma | 60.0 % |');
    expect([...files.keys()]).toContain('performance/profile-worker.svg');
  });
});

describe('a picture', () => {
  test('of bars is well-formed, and has names, figures and unit', () => {
    const svg = drawBars(result());
    expect(readTexts(svg)).toEqual(
      expect.arrayContaining([
        'Rate, of everything',
        'ours',
        'theirs & <theirs>',
        '400',
        'events/s',
      ]),
    );
    expect(svg.match(/<circle/g)).toHaveLength(6);
  });

  test('of bars: a bar is as long as its figure, from zero', () => {
    const svg = drawBars(result());
    const widths = [...svg.matchAll(/<rect class="(ours|other)"[^>]* width="([\d.]+)"/g)];
    expect(widths.map(([, kind]) => kind)).toEqual(['ours', 'other']);
    const [ours = NaN, theirs = NaN] = widths.map(([, , width]) => Number(width));
    expect(ours / theirs).toBeCloseTo(4, 1);
  });

  test('of bars needs no figure', () => {
    readTexts(drawBars({ ...result(), runs: [{ contender: 'ours', round: 1, void: 'broken' }] }));
  });

  test('of lines is well-formed, and has a line for each run that has a series', () => {
    const svg = drawLines(result()) ?? '';
    expect(readTexts(svg)).toEqual(expect.arrayContaining(['events so far', 'MB', 'ours']));
    expect(svg.match(/<polyline/g)).toHaveLength(3);
  });

  test('of lines is only there where there is something to draw', () => {
    const { axes: _axes, ...without } = result();
    expect(drawLines(without)).toBeUndefined();
    expect(drawLines({ ...result(), runs: [] })).toBeUndefined();
  });

  test('of flames is well-formed, and says of each frame what it is', () => {
    const svg = drawFlames('worker', PROFILE.flames);
    const texts = readTexts(svg);
    expect(texts).toContain('execute<T>, @prisma/client/runtime/client.js (Prisma): 60.0 %');
    expect(texts).toContain('upsertRows, src/db/rows.ts (src/db): 25.0 %');
  });

  test('has rounded ticks that hold the largest value', () => {
    expect(chooseTicks(12)).toEqual([0, 2.5, 5, 7.5, 10, 12.5]);
    expect(chooseTicks(0.3)).toEqual([0, 0.1, 0.2, 0.3]);
    expect(chooseTicks(10_000)).toEqual([0, 2000, 4000, 6000, 8000, 10_000]);
  });
});

describe('figures', () => {
  test.each([
    [12_345.6, '12,300'],
    [0.041_23, '0.0412'],
    [1_000_000, '1,000,000'],
    [0, '0'],
    [NaN, '–'],
  ])('%d is shown as %s', (value, shown) => {
    expect(formatNumber(value)).toBe(shown);
  });

  test.each([
    [1.234, '1.23'],
    [0.01234, '0.0123'],
    [0.5, '0.50'],
    [NaN, '–'],
  ])('the ratio %d is shown as %s', (ratio, shown) => {
    expect(formatRatio(ratio)).toBe(shown);
  });

  test('an interval says how sure it is, and never too much', () => {
    expect(formatInterval({ low: 1.2, high: 3.456, confidence: 0.9375 })).toBe(
      '1.20 to 3.46 (93 %)',
    );
  });

  test('an interval of a single value is none', () => {
    expect(formatInterval({ low: 1.2, high: 1.2, confidence: 0 })).toBe('–');
  });

  test('a cell holds no bar and no line break', () => {
    expect(formatTable(['a', 'b'], [['x | y', 'one\n two']])).toBe(
      '| a | b |\n| --- | --- |\n| x \\| y | one two |',
    );
  });
});

const UPSERT: Flame = {
  name: 'upsertRows',
  file: 'src/db/rows.ts',
  group: 'src/db',
  share: 0.25,
  children: [],
};

const PROFILE: StoredProfile = {
  process: 'worker',
  load: 'Rate',
  measuredAt: '2026-11-21T00:00:00.000Z',
  seconds: 20,
  idleShare: 0.3,
  groups: [
    { name: 'Prisma', share: 0.6 },
    { name: 'src/db', share: 0.25 },
  ],
  functions: [{ name: 'upsertRows', file: 'src/db/rows.ts', group: 'src/db', share: 0.25 }],
  flames: [
    {
      name: 'execute<T>',
      file: '@prisma/client/runtime/client.js',
      group: 'Prisma',
      share: 0.6,
      children: [UPSERT],
    },
  ],
};

function render(
  scenario: ScenarioResult,
  prose: ReadonlyMap<string, string> = new Map(),
  profiles: StoredProfile[] = [],
) {
  const results: Results = {
    machine: MACHINE,
    versions: { bullmq: '6.7.0' },
    settings: { Postgres: 'fsync on' },
    scenarios: [scenario],
  };
  return renderDocument({ results, profiles, prose });
}

function result({ reach = 2 } = {}): ScenarioResult {
  const stretch = reach === 2 ? { stretch: 3 } : {};
  return {
    name: 'rate',
    title: 'Rate, of everything',
    unit: 'events/s',
    description: 'What is run.',
    comparisons: [
      {
        contender: 'ours',
        against: 'theirs & <theirs>',
        goal: { kind: 'at-least', reach, ...stretch },
      },
    ],
    axes: { x: 'events so far', y: 'MB' },
    measuredAt: '2026-11-21T01:02:03.000Z',
    seconds: 60,
    rounds: 3,
    runs: [300, 400, 500].flatMap((value, index) => [
      {
        contender: 'ours',
        round: index + 1,
        sample: {
          value,
          details: { 'RSS MB': 80 },
          series: [
            [0, 10],
            [1000, 20 + index],
          ] as const,
        },
      },
      { contender: 'theirs & <theirs>', round: index + 1, sample: { value: 100 } },
    ]),
  };
}

/** What a reader sees. Throws where the XML is not well-formed: tags that do not match, values without quotes, bare characters. */
function readTexts(svg: string): string[] {
  const open: string[] = [];
  const texts: string[] = [];
  const token = /<(\/?)([a-z]+)((?: [\w:-]+="[^"<]*")*)(\/?)>|([^<>]+)/gy;
  let end = 0;
  for (const match of svg.matchAll(token)) {
    const [whole, closing, name = '', attributes = '', isEmpty, text] = match;
    end = match.index + whole.length;
    const written = text ?? attributes;
    if (/&(?!(amp|lt|gt|quot);)/.test(written)) throw new Error(`A bare & in ${written}`);
    if (text !== undefined) texts.push(decode(text.trim()));
    else if (closing) expect(open.pop()).toBe(name);
    else if (!isEmpty) open.push(name);
  }
  expect([end, open]).toEqual([svg.length, []]);
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" /);
  expect(svg).not.toMatch(/NaN|undefined|Infinity|href|url\(/);
  return texts.filter(Boolean);
}

function decode(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}
