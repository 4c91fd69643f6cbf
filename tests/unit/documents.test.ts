/** Documents that cannot lie: each claim that can be compared with the code is. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { pino } from 'pino';
import { EVENT_TYPES } from '../../src/clerk/event-types.js';
import { parseEvent } from '../../src/clerk/event.js';
import { sampleEvent } from '../../src/clerk/samples/index.js';
import { VARIABLES } from '../../src/config.js';
import { SIGNING_SECRET_NAMES } from '../../src/environment.js';
import { SyncError } from '../../src/errors.js';
import { createApp } from '../../src/http/app.js';
import { ENTITIES } from '../../src/projections/fact.js';
import { project } from '../../src/projections/registry.js';
import { listen } from '../../src/server.js';
import { COMMANDS } from '../../src/commands/index.js';
import { fullNameOf, METRICS, type MetricName } from '../../src/metric-table.js';
import { readImageCommand } from '../support/image-command.js';
import { UNWATCHED_REQUESTS } from '../support/observers.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

test('README names every variable with its default', () => {
  const rows = new Map(
    [...read('README.md').matchAll(/^\| `([A-Z_]+)` +\| +(.+?) +\|/gm)].map(
      ([, name, fallback]) => [name, fallback],
    ),
  );
  rows.delete('CLERK_WEBHOOK_SIGNING_SECRET');
  expect([...rows.keys()].sort()).toEqual(Object.keys(VARIABLES).sort());
  for (const [name, { fallback }] of Object.entries(VARIABLES)) {
    if (fallback !== undefined)
      expect(`${name}: ${rows.get(name)}`).toBe(`${name}: \`${fallback}\``);
  }
  for (const name of SIGNING_SECRET_NAMES) expect(read('README.md')).toContain(`\`${name}\``);
});

test('docs/endpoint.md names every status that the endpoint answers, and no other', async () => {
  const table = /## Answers\n([^]*?)\n#/.exec(read('docs/endpoint.md'))?.[1] ?? '';
  const shown = new Set([...table.matchAll(/\| (\d{3}) /g)].map(([, status]) => Number(status)));
  expect([...shown].sort()).toEqual([...(await askEverything())].sort());
});

test('docs/events.md says of each type what the registry does', () => {
  const policy = {
    instanceId: undefined,
    mirrored: undefined,
    defaultRole: 'client',
    allowedRoles: undefined,
  };
  const rows = new Map(
    [...read('docs/events.md').matchAll(/^\| `(\w+\.\w+)` +\| `(\w+)` +\| (writes|deletes)/gm)].map(
      ([, type, ...does]) => [type, does],
    ),
  );
  expect([...rows.keys()]).toEqual([...EVENT_TYPES]);
  for (const type of EVENT_TYPES) {
    const body = JSON.stringify(sampleEvent(type));
    const facts = project(parseEvent({ id: 'msg_1', body, receivedAt: 1 }), policy);
    if ('ignored' in facts) throw new Error(`${type} is ignored`);
    const verb = facts[0].kind === 'deletion' ? 'deletes' : 'writes';
    expect([type, ...(rows.get(type) ?? [])]).toEqual([
      type,
      ENTITIES[facts[0].key.entityType].table,
      verb,
    ]);
  }
});

test('the documents say how many event types there are', () => {
  const said = ['README.md', 'docs/events.md', 'docs/handlers.md', 'docs/operations.md'].flatMap(
    (file) => [...read(file).matchAll(/\b(\d+)(?= (?:event )?types\b)|(?<=lists all )\d+/g)],
  );
  expect(said.length).toBeGreaterThan(3);
  for (const [count] of said) expect(Number(count)).toBe(EVENT_TYPES.length);
});

test('the picture in docs/architecture.md is what the imports say', async () => {
  const script = path.join(ROOT, 'scripts/draw-layers.mjs');
  const { drawLayers, readPicture } = (await import(script)) as Picture; // plain JavaScript, for a plain script
  expect(readPicture()).toBe(drawLayers());
});

test('docs/architecture.md says of each folder what the layer rule allows', () => {
  const rows = [
    ...read('docs/architecture.md').matchAll(/^\| `(\w+)` \| [^|]+ \|([\w, ]*)\|$/gm),
  ].map(([, folder, allowed = '']) => [folder, allowed.trim()]);
  const rules = [...read('.dependency-cruiser.mjs').matchAll(/^ {2}(\w+): \[([\w', ]*)\],$/gm)]
    .map(([, folder, allowed = '']) => [folder, allowed.replaceAll("'", '')])
    .filter(([folder = '']) => existsSync(path.join(ROOT, 'src', folder)));
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(rules.slice(0, rows.length)));
  expect(rows.map(([folder]) => folder).sort()).toEqual(listFolders('src'));
});

test.each(['README.md', 'docs/architecture.md', 'docs/security.md', 'CONTRIBUTING.md'])(
  'every test that %s cites exists under that name',
  (document) => {
    const cited = read(document).split('\n').flatMap(readCitations);
    expect(cited.length).toBeGreaterThan(15);
    for (const { file, title } of cited) {
      expect([file, title, read(file).includes(title)]).toEqual([file, title, true]);
    }
  },
);

test('every word that docs/troubleshooting.md quotes is one of the program', () => {
  const quoted = [...read('docs/troubleshooting.md').matchAll(/“([^”…]+)”/g)];
  expect(quoted.length).toBeGreaterThan(40);
  const sources = listSources('src').map(read).join('\n');
  for (const [, words = ''] of quoted) {
    expect([words, sources.includes(words)]).toEqual([words, true]);
  }
});

test('docs/security.md says of every table what it holds of people, and until when', () => {
  const section = /## What is stored where[^]*?\n## /.exec(read('docs/security.md'))?.[0] ?? '';
  const rows = [...section.matchAll(/^\| ((?:`\w+`(?:, )?)+)/gm)];
  const named = rows.flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+)`/g)].map(([, n]) => n));
  const tables = [...read('prisma/schema.prisma').matchAll(/@@map\("(\w+)"\)/g)].map(([, n]) => n);
  expect(named.filter((name) => name !== 'DATA_DIR').sort()).toEqual(tables.sort());
});

test('the documents quote the usage of each command, and every metric', () => {
  const text = read('docs/operations.md');
  for (const name of ['send', 'doctor', 'why', 'replay', 'forget', 'prune', 'erase']) {
    expect(text).toContain(`### ${name}\n\n\`\`\`text\n${COMMANDS[name]?.usage}\n\`\`\`\n`);
  }
  for (const name of ['backfill', 'reconcile', 'import', 'role']) {
    expect(read('docs/backfill.md')).toContain(`\`\`\`text\n${COMMANDS[name]?.usage}\n\`\`\`\n`);
  }
  const rows = [...text.matchAll(/^\| `(clerk_sync_\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)];
  expect(rows.map(([, ...cells]) => cells)).toEqual(
    Object.entries<Metric>(METRICS).map(([name, { kind, labels, processes, help }]) => [
      fullNameOf(name as MetricName), // a key of METRICS
      labels.length > 0 ? `${kind} by ${labels.join(', ')}` : kind,
      processes.join(', '),
      help,
    ]),
  );
});

test('every file of tests that docs/operations.md cites is there', () => {
  const rows = [...read('docs/operations.md').matchAll(/^\| .* \| `(tests\/[\w./-]+)` \|$/gm)];
  expect(rows.length).toBeGreaterThan(8);
  for (const [, file = ''] of rows)
    expect([file, existsSync(path.join(ROOT, file))]).toEqual([file, true]);
});

test('docs/deploy.md names variables, commands and files that there are', () => {
  const text = read('docs/deploy.md');
  const known = [...Object.keys(VARIABLES), ...SIGNING_SECRET_NAMES];
  const row = /^\| ((?:`[A-Z_]+`(?:, )?)+) \|/gm;
  const variables = [...text.matchAll(row)].flatMap(
    ([, cell = '']) => cell.match(/[A-Z_]+/g) ?? [],
  );
  expect(variables.length).toBeGreaterThan(8);
  const given = [...text.matchAll(/(?:^|[ '])([A-Z][A-Z_]{2,})=/gm)].map(([, name = '']) => name);
  const theirs = ['PGSSLMODE']; // pg's own
  expect([...known, ...theirs]).toEqual(expect.arrayContaining([...variables, ...given]));
  for (const [command] of text.matchAll(/\.\/run\.mjs [a-z]+/g))
    expect(readImageCommand(command)).toBeDefined();
  for (const [, file = ''] of text.matchAll(/[` /](deploy\/[\w./-]+)/g))
    expect([file, existsSync(path.join(ROOT, file))]).toEqual([file, true]);
  const kinds = text.match(/(?:deployment|job|service)\/clerk-sync-\w+/g) ?? [];
  const manifests = ['ingest', 'worker', 'board', 'migrate'].map((name) =>
    read(`deploy/kubernetes/base/${name}.yaml`).toLowerCase(),
  );
  for (const [kind, name = ''] of kinds.map((word) => word.split('/'))) {
    const declared = `kind: ${kind}\nmetadata:\n  name: ${name}\n`;
    expect([kind, name, manifests.some((one) => one.includes(declared))]).toEqual([
      kind,
      name,
      true,
    ]);
  }
});

/** In a line, the titles that follow a test file, up to the next one. */
function readCitations(line: string): { file: string; title: string }[] {
  return line.split(/(?=`tests\/)/).flatMap((part) => {
    const file = /^`(tests\/[\w./-]+)`/.exec(part)?.[1];
    if (file === undefined) return [];
    return [...part.matchAll(/“([^”]+)”/g)].map(([, title = '']) => ({ file, title }));
  });
}

interface Metric {
  kind: string;
  labels: readonly string[];
  processes: readonly string[];
  help: string;
}

interface Picture {
  drawLayers: () => string;
  readPicture: () => string | undefined;
}

/** One request for each way that the endpoint can answer. */
async function askEverything(): Promise<Set<number>> {
  const app = createApp({
    paths: ['/known'],
    verify: (headers, body) => {
      if (!headers['svix-id']) throw new SyncError('webhook.rejected', 'A header is missing.');
      return { id: 'msg_1', text: body.toString(), value: JSON.parse(body.toString()) };
    },
    enqueue: async (_delivery, type) => {
      if (type === 'queue.away') throw new SyncError('queue.unavailable', 'away');
      return 'queued';
    },
    bodyLimitBytes: 100,
    redaction: { storePrivateMetadata: true },
    logger: pino({ level: 'silent' }),
    observe: UNWATCHED_REQUESTS,
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0, portVariable: 'PORT' });
  const ask = async (route: string, init: RequestInit) =>
    (await fetch(`http://127.0.0.1:${server.port}${route}`, init)).status;
  const post = (body: string, headers = { 'svix-id': 'msg_1' }) =>
    ask('/known', { method: 'POST', body, headers });
  const answers = new Set([
    await post('{"type":"user.created"}'),
    await post('{"type":"queue.away"}'),
    await post('{}'),
    await post('x'.repeat(101)),
    await ask('/known', { method: 'POST', body: '{"type":"user.created"}' }),
    await ask('/known', { method: 'PUT', body: '{}' }),
    await ask('/elsewhere', { method: 'POST', body: '{}' }),
  ]);
  await server.close();
  return answers;
}

function listFolders(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

function listSources(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('db/generated'))
    .map((name) => path.join(folder, name));
}
