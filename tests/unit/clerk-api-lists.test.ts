import { API_ENTITIES, type ApiEntityName } from '../../src/clerk/api-entities.js';
import { type ApiPage, type PageCursor } from '../../src/clerk/api-pages.js';
import { createClerkApi } from '../../src/clerk/backend-api.js';
import { seededRandom } from '../../src/clerk/samples/index.js';
import { type JsonRecord } from '../../src/record.js';
import { failWith, reset } from '../support/clerk-api/faults.js';
import { type Kind } from '../support/clerk-api/kinds.js';
import {
  type ClerkApiOptions,
  type ClerkApiServer,
  startClerkApi,
} from '../support/clerk-api/start-clerk-api.js';

const KINDS: Record<ApiEntityName, Kind> = {
  users: 'users',
  organizations: 'organizations',
  organization_memberships: 'organization_memberships',
  organization_invitations: 'organization_invitations',
  organization_domains: 'organization_domains',
  roles: 'organization_roles',
  permissions: 'organization_permissions',
  waitlist_entries: 'waitlist_entries',
};
const ENTITIES = Object.keys(API_ENTITIES) as ApiEntityName[];
/** One that goes on after an id, and one that skips. */
const BOTH_WAYS = ['users', 'organization_memberships'] as const;
const BOUNDLESS = { requests: 1_000_000, windowMs: 10_000 };

let server: ClerkApiServer;

afterEach(() => server.stop());

async function start(options: ClerkApiOptions) {
  server = await startClerkApi({ limit: BOUNDLESS, ...options });
  const { url: apiUrl, secretKey } = server;
  const patience = { attempts: 3, firstPauseMs: 1 };
  return createClerkApi({ secretKey, apiUrl, patience, allowance: BOUNDLESS });
}

interface Walk {
  items: JsonRecord[];
  pages: ApiPage[];
}

async function walk(
  pages: AsyncGenerator<ApiPage>,
  onPage: (page: ApiPage, index: number) => void = () => undefined,
): Promise<Walk> {
  const seen: ApiPage[] = [];
  for await (const page of pages) {
    seen.push(page);
    onPage(page, seen.length - 1);
  }
  return { pages: seen, items: seen.flatMap(({ items }) => items) };
}

function idsOf(items: readonly { id?: unknown }[]): unknown[] {
  return items.map(({ id }) => id);
}

/** Who is in Clerk, and did not come. */
function missingFrom(items: readonly JsonRecord[], kind: Kind): unknown[] {
  const came = new Set(idsOf(items));
  return server.instance.collections[kind]
    .slice(0, Infinity)
    .map(({ id }) => id)
    .filter((id) => !came.has(id));
}

function remove(kind: Kind, ids: readonly unknown[]): void {
  for (const id of ids) server.instance.remove(kind, String(id));
}

function throughJson(cursor: PageCursor | undefined): PageCursor | undefined {
  return JSON.parse(JSON.stringify(cursor)) as PageCursor | undefined; // what a file gives back
}

test.each(ENTITIES)('all %s come once, oldest first, as Clerk has them', async (entity) => {
  const api = await start({
    size: {
      users: 1201,
      organizations: 70,
      organization_memberships: 1000,
      organization_invitations: 501,
      organization_domains: 11,
      organization_roles: 12,
      organization_permissions: 13,
      waitlist_entries: 14,
    },
  });
  const { items, pages } = await walk(api.listPages(entity));
  const expected = server.instance.readAll(KINDS[entity]);
  expect(items).toEqual(
    expected.map(({ missing_member_with_elevated_permissions: _notAskedFor, ...rest }) => rest),
  );
  expect(pages.at(-1)?.cursor).toEqual({
    id: expected.at(-1)?.['id'],
    createdAt: expected.at(-1)?.['created_at'],
    position: expected.length,
  });
  const total = entity === 'users' ? null : expected.length;
  expect(pages.map((page) => page.total)).toEqual(pages.map(() => total));
});

test.each(ENTITIES)('an instance without %s gives no page', async (entity) => {
  const api = await start({});
  expect((await walk(api.listPages(entity))).pages).toEqual([]);
});

describe.each(BOTH_WAYS)('while %s are listed', (kind) => {
  const size = { users: 1700, organizations: 40, organization_memberships: 1700 };

  test('what is created meanwhile comes too', async () => {
    const api = await start({ size });
    const { items } = await walk(api.listPages(kind), (_page, index) => {
      if (index === 1 || index === 3) server.instance.add(kind);
    });
    expect(idsOf(items)).toEqual(idsOf(server.instance.readAll(kind)));
  });

  test.each(['refused', 'empty'] as const)(
    'the deletion of the one where a page ended loses nobody (a cursor to nobody is %s)',
    async (unknownCursor) => {
      const api = await start({ size, unknownCursor });
      const { items } = await walk(api.listPages(kind), ({ cursor }) => remove(kind, [cursor.id]));
      expect(missingFrom(items, kind)).toEqual([]);
      expect(new Set(idsOf(items)).size).toBe(1700);
    },
  );

  test('nobody is lost among many of one millisecond when those around the cursor are deleted', async () => {
    const api = await start({ size: { users: 3, organizations: 3 } });
    const at = Date.now();
    for (let n = 0; n < 700; n++) server.instance.add(kind, { created_at: at });
    const { items } = await walk(api.listPages(kind), (page, index) => {
      if (index === 0) remove(kind, idsOf(page.items).slice(-5));
    });
    expect(missingFrom(items, kind)).toEqual([]);
  });

  test('the deletion of many that have come loses nobody', async () => {
    const api = await start({ size });
    const { items } = await walk(api.listPages(kind), (page, index) => {
      if (index === 1) remove(kind, idsOf(page.items).slice(10, 300));
    });
    expect(new Set(idsOf(items)).size).toBe(1700);
  });

  test('a walk that was killed goes on from its last cursor', async () => {
    const api = await start({ size });
    const first: ApiPage[] = [];
    for await (const page of api.listPages(kind)) if (first.push(page) === 2) break;
    const cursor = throughJson(first.at(-1)?.cursor);
    const rest = await walk(api.listPages(kind, cursor));
    const ids = [...first.flatMap(({ items }) => items), ...rest.items];
    expect(idsOf(ids)).toEqual(idsOf(server.instance.readAll(kind)));
  });

  test('it goes on even when its cursor and a thousand others are gone by then', async () => {
    const api = await start({ size });
    const first: ApiPage[] = [];
    for await (const page of api.listPages(kind)) if (first.push(page) === 3) break;
    const seen = idsOf(first.flatMap(({ items }) => items));
    remove(kind, seen.slice(-1001));
    const rest = await walk(api.listPages(kind, throughJson(first.at(-1)?.cursor)));
    const missing = idsOf(server.instance.readAll(kind)).filter((id) => !seen.includes(id));
    expect(idsOf(rest.items)).toEqual(missing);
  });

  test('a finished walk that is taken up again brings what is new, and nothing else', async () => {
    const api = await start({ size: { ...size, users: 1000, organization_memberships: 1000 } });
    const { pages } = await walk(api.listPages(kind));
    const cursor = pages.at(-1)?.cursor;
    expect((await walk(api.listPages(kind, cursor))).items).toEqual([]);
    const { id } = server.instance.add(kind);
    expect(idsOf((await walk(api.listPages(kind, cursor))).items)).toEqual([id]);
  });

  test('a lost connection in the middle is made up for', async () => {
    const api = await start({ size });
    server.fail({ how: reset(), on: /limit=500/, share: 0.3 });
    const { items } = await walk(api.listPages(kind));
    expect(items).toEqual(server.instance.readAll(kind));
  });

  test.each([1, 2, 3, 4, 5, 6])(
    'whoever is there all along comes, whatever else is created and deleted (history %d)',
    async (seed) => {
      const api = await start({ size, seed: String(seed) });
      const random = seededRandom(seed);
      const { items } = await walk(api.listPages(kind), () => {
        const all = idsOf(server.instance.collections[kind].slice(0, Infinity));
        const share = random() * 0.3;
        remove(
          kind,
          all.filter(() => random() < share),
        );
        for (let n = random() * 3; n > 1; n--) server.instance.add(kind);
      });
      expect(missingFrom(items, kind)).toEqual([]);
    },
  );
});

test('a quiet list costs a request for each page, and one or two to know that it ends', async () => {
  const size = { users: 1500, organizations: 9, organization_memberships: 1500 };
  const api = await start({ size });
  for (const entity of BOTH_WAYS) await walk(api.listPages(entity));
  expect(server.counts().byRoute).toEqual({
    'GET /users': 4,
    'GET /users/*': 1,
    'GET /organization_memberships': 5,
  });
});

test('six hundred users of one millisecond at the end are no endless walk', async () => {
  const api = await start({ size: { users: 400 } });
  const at = Date.now();
  for (let n = 0; n < 600; n++) server.instance.add('users', { created_at: at });
  const { items } = await walk(api.listPages('users'));
  expect(idsOf(items)).toEqual(idsOf(server.instance.readAll('users')));
});

test('the place of more than a page of older ones that appeared meanwhile is found again', async () => {
  const size = { users: 10, organizations: 10, organization_memberships: 700 };
  const api = await start({ size });
  const { items } = await walk(api.listPages('organization_memberships'), (_page, index) => {
    if (index > 0) return;
    for (let n = 0; n < 600; n++) {
      server.instance.add('organization_memberships', { created_at: 1000 + n });
    }
  });
  const ids = new Set(idsOf(items));
  expect(ids.size).toBe(700);
});

test('a server that no longer takes the cursor of a user who is there is an error, not an end', async () => {
  const api = await start({ size: { users: 600 } });
  const pages = api.listPages('users');
  await pages.next();
  server.fail({ how: failWith(422), on: /starting_after/ });
  await expect(pages.next()).rejects.toMatchObject({ code: 'clerk.rejected' });
});
