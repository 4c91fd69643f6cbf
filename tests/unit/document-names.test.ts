/** Whatever a document names is there: links and their anchors, files, commands and their options, variables, metrics, tables, columns. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { USAGE as BENCH_USAGE } from '../../bench/flags.js';
import { COMMANDS } from '../../src/commands/index.js';
import { VARIABLES } from '../../src/config.js';
import { SIGNING_SECRET_NAMES } from '../../src/environment.js';
import { fullNameOf, METRICS, type MetricName } from '../../src/metric-table.js';
import { listDocuments, readAnchors, readChapters } from '../support/document.js';
import { readRelations } from '../support/relations.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

const SCRIPTS = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts);
const USAGES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(COMMANDS).map(([name, { usage }]) => [name, usage])),
  bench: BENCH_USAGE,
};
const RELATIONS = readRelations();

/** A placeholder, and names of other programs and of the welcome email. */
const NO_VARIABLES = [
  'NAME',
  'MAIL_API_KEY',
  'MAIL_FROM',
  'MAIL_URL',
  'NODE_ENV',
  'OTEL_BSP_MAX_QUEUE_SIZE',
  'OTEL_LOG_LEVEL',
  'OTEL_PROPAGATORS',
  'OTEL_SPAN_LINK_COUNT_LIMIT',
  'PGSSLMODE',
  'SQLITE_BUSY',
];
/** A document may name a constant of the code as well. */
const CONSTANTS = new Set(
  [...readSources().matchAll(/^(?:export )?const ([A-Z_]+)\b/gm)].map(([, name]) => name),
);

/** Of Node, Docker, Dragonfly, and what each command has without saying so. */
const FOREIGN_OPTIONS = [
  '--cluster_mode',
  '--cpu-prof',
  '--default_lua_flags',
  '--experimental-vm-modules',
  '--help',
  '--lock_on_hashtags',
  '--max-semi-space-size',
  '--no-healthcheck',
  '--read-only',
];

describe.each(listDocuments())('%s', (document) => {
  const text = read(document);

  test('links to what there is, headings included', () => {
    for (const [, target = '', anchor] of text.matchAll(
      /\]\((?!https?:)([^)#\s]*)(?:#([^)]+))?\)/g,
    )) {
      const file = target === '' ? document : path.join(path.dirname(document), target);
      expect([target, existsSync(path.join(ROOT, file))]).toEqual([target, true]);
      if (anchor !== undefined)
        expect([target, anchor, readAnchors(file).has(anchor)]).toEqual([target, anchor, true]);
    }
  });

  test('names files and folders that there are', () => {
    const folders = 'src|tests|scripts|prisma|docs|bench|deploy|ops|\\.ci|\\.github';
    for (const [, file = ''] of text.matchAll(RegExp(`\`((?:${folders})/[\\w./-]*)\``, 'g')))
      expect([file, existsSync(path.join(ROOT, file))]).toEqual([file, true]);
  });

  test('names commands and options that there are', () => {
    for (const [, name = '', rest = ''] of text.matchAll(
      /npm run (?:-\S+ )?([\w-]+)((?: -- [^`|\n#]*)?)/g,
    )) {
      expect(SCRIPTS).toContain(name);
      for (const option of listOptions(rest))
        expect([name, option, has(USAGES[name], option)]).toEqual([name, option, true]);
    }
    const everywhere = Object.values(USAGES).join('\n');
    for (const [, quoted = ''] of text.matchAll(/`(--[^`\n]+)`/g)) {
      for (const option of listOptions(quoted))
        expect([option, FOREIGN_OPTIONS.includes(option) || has(everywhere, option)]).toEqual([
          option,
          true,
        ]);
    }
  });

  test('names variables and constants that there are', () => {
    const known = [...Object.keys(VARIABLES), ...SIGNING_SECRET_NAMES, ...NO_VARIABLES];
    const quoted = [...text.matchAll(/`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`/g)];
    const given = [...text.matchAll(/^ *([A-Z]+(?:_[A-Z]+)+)=/gm)];
    for (const [, name = ''] of [...quoted, ...given])
      expect([name, known.includes(name.replace(/_FILE$/, '')) || CONSTANTS.has(name)]).toEqual([
        name,
        true,
      ]);
  });

  test('names metrics that there are', () => {
    const known = Object.keys(METRICS).map((name) => fullNameOf(name as MetricName)); // a key of METRICS
    for (const [, name = ''] of text.matchAll(/`(clerk_sync_[a-z_]+[a-z])[`{]/g))
      expect([name, known.includes(name)]).toEqual([name, true]);
  });

  test('names tables, views and columns that there are', () => {
    const own = [...text.matchAll(/(?:create table clerk\.|rename to )(\w+)/gi)].map(([, n]) => n);
    for (const [, name = ''] of text.matchAll(/(?<![\w/.])clerk\.(\w+)\b(?!%)/g))
      expect([name, RELATIONS.has(name) || own.includes(name)]).toEqual([name, true]);
    for (const [, relation = '', column = ''] of text.matchAll(/`(?:clerk\.)?(\w+)\.(\w+)`/g)) {
      const columns = RELATIONS.get(relation);
      // `users.csv` is a file.
      if (columns && column !== 'csv')
        expect([relation, column, columns.has(column)]).toEqual([relation, column, true]);
    }
    for (const { language, text: sql } of [...readChapters(document).values()].flat())
      if (language === 'sql') expectColumns(sql);
  });
});

/** The columns of what a statement gives another name: `clerk.users u`, `u.email`. */
function expectColumns(sql: string): void {
  for (const [, relation = '', alias = ''] of sql.matchAll(/\bclerk\.(\w+) +(?:as +)?(\w+)/gi)) {
    const columns = RELATIONS.get(relation);
    for (const [, column = ''] of sql.matchAll(RegExp(`\\b${alias}\\.(\\w+)`, 'g')))
      expect([relation, column, columns?.has(column)]).toEqual([relation, column, true]);
  }
}

function listOptions(text: string): string[] {
  return text.match(/(?<![\w-])--[a-z][\w-]*/g) ?? [];
}

function has(usage: string | undefined, option: string): boolean {
  return RegExp(`(?<![\\w-])${option}(?![\\w-])`).test(usage ?? '');
}

function readSources(): string {
  const files = ['src', 'tests'].flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.startsWith('db/generated'))
      .map((name) => path.join(folder, name)),
  );
  return files.map(read).join('\n');
}
