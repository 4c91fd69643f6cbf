/** The server that stands in for Clerk in other tests keeps Clerk's rules itself. */
import { sampleEvent } from '../../src/clerk/samples/index.js';
import { type InstanceEvent } from '../support/clerk-api/instance.js';
import { spawnClerkApi } from '../support/clerk-api/spawn-clerk-api.js';
import {
  type ClerkApiOptions,
  type ClerkApiServer,
  startClerkApi,
} from '../support/clerk-api/start-clerk-api.js';

let server: ClerkApiServer;

afterEach(() => server.stop());

async function start(options: ClerkApiOptions = {}): Promise<void> {
  server = await startClerkApi(options);
}

interface Reply {
  status: number;
  headers: Headers;
  body: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- parsed JSON, asserted on
}

async function ask(path: string, init: RequestInit = {}): Promise<Reply> {
  const headers = { authorization: `Bearer ${server.secretKey}` };
  const response = await fetch(`${server.url}/v1${path}`, { headers, ...init });
  return {
    status: response.status,
    headers: response.headers,
    body: JSON.parse(await response.text()),
  };
}

async function idsIn(path: string): Promise<string[]> {
  const { body } = await ask(path);
  return (body.data ?? body).map(({ id }: { id: string }) => id);
}

test.each([
  ['no key', {}, 'authentication_invalid'],
  ['another key', { authorization: 'Bearer sk_test_x' }, 'clerk_key_invalid'],
])('%s is a 401 of Clerk’s form', async (_what, headers, code) => {
  await start({ size: { users: 1 } });
  const { status, body } = await ask('/users', { headers });
  expect(status).toBe(401);
  expect(body.errors).toEqual([
    { code, message: expect.any(String), long_message: expect.any(String) },
  ]);
});

test('pages: ten unless told, five hundred at most, newest first unless told', async () => {
  await start({ size: { users: 1200 } });
  const all = server.instance.readAll('users').map(({ id }) => id);
  expect(await idsIn('/users')).toEqual(all.slice(-10).reverse());
  expect(await idsIn('/users?limit=500')).toEqual(all.slice(-500).reverse());
  expect(await idsIn('/users?order_by=created_at&limit=3&offset=7')).toEqual(all.slice(7, 10));
  expect(await idsIn('/users?order_by=%2Bcreated_at&limit=2')).toEqual(all.slice(0, 2));
  for (const query of ['limit=0', 'limit=501', 'limit=x', 'offset=-1']) {
    expect((await ask(`/users?${query}`)).status).toBe(422);
  }
});

test.each(['', '-created_at', '+created_at'])(
  'the cursor goes through all users once, in order "%s"',
  async (order) => {
    await start({ size: { users: 60 } });
    const query = `limit=7${order && `&order_by=${encodeURIComponent(order)}`}`;
    const seen = await idsIn(`/users?${query}`);
    for (let page = seen; page.length === 7; seen.push(...page)) {
      page = await idsIn(`/users?${query}&starting_after=${seen.at(-1)}`);
    }
    const all = server.instance.readAll('users').map(({ id }) => id);
    expect(seen).toEqual(order === '+created_at' ? all : all.reverse());
  },
);

test('the cursor is refused where Clerk has none: other orders, offsets, other lists', async () => {
  await start({ size: { users: 3, organizations: 3 } });
  const [id] = await idsIn('/users');
  for (const path of [
    `/users?starting_after=${id}&order_by=username`,
    `/users?starting_after=${id}&offset=1`,
    '/users?starting_after=user_2nobody',
    '/organizations?starting_after=org_2nobody',
  ]) {
    expect((await ask(path)).status).toBe(422);
  }
});

test('times of creation cut the list, both ends excluded', async () => {
  await start({ size: { users: 30 } });
  const users = server.instance.readAll('users');
  const at = Number(users[10]?.['created_at']);
  const ids = (some: typeof users) => some.map(({ id }) => id);
  const after = users.filter((user) => Number(user['created_at']) > at);
  const before = users.filter((user) => Number(user['created_at']) < at);
  expect(await idsIn(`/users?limit=500&order_by=created_at&created_at_after=${at}`)).toEqual(
    ids(after),
  );
  expect(await idsIn(`/users?limit=500&order_by=created_at&created_at_before=${at}`)).toEqual(
    ids(before),
  );
});

test('users are counted, with and without a filter', async () => {
  await start({ size: { users: 30 } });
  const [id, other] = await idsIn('/users');
  expect((await ask('/users/count')).body).toEqual({ object: 'total_count', total_count: 30 });
  const counts = [];
  for (const query of [`user_id=${id}&user_id=%2B${other}`, `user_id=-${id}`]) {
    counts.push((await ask(`/users/count?${query}`)).body.total_count);
  }
  expect(counts).toEqual([2, 29]);
});

test('the lists of organizations are wrapped, with a total', async () => {
  await start({ size: { users: 3, organizations: 4, organization_memberships: 12 } });
  const { body } = await ask('/organization_memberships?limit=5&offset=10');
  expect(body.data).toHaveLength(2);
  expect(body.total_count).toBe(12);
  const [organization] = (await ask('/organizations')).body.data;
  expect(organization).not.toHaveProperty('members_count');
  const [counted] = (await ask('/organizations?include_members_count=true')).body.data;
  expect(counted.members_count).toEqual(expect.any(Number));
});

test('a membership shows its organization and its user as they are now', async () => {
  await start({ size: { users: 1, organizations: 1, organization_memberships: 1 } });
  const [user] = await idsIn('/users');
  const [organization] = await idsIn('/organizations');
  server.instance.update('users', user ?? '', { first_name: 'Renamed' });
  server.instance.update('organizations', organization ?? '', { name: 'Renamed, too' });
  const [membership] = (await ask('/organization_memberships')).body.data;
  expect(membership.public_user_data.first_name).toBe('Renamed');
  expect(membership.organization.name).toBe('Renamed, too');
});

test('sessions are listed of somebody only, as an array or paginated', async () => {
  await start({ size: { users: 2 } });
  const [userId = ''] = await idsIn('/users');
  const { id } = server.instance.add('sessions', {}, { userId });
  expect((await ask('/sessions')).status).toBe(422);
  expect(await idsIn(`/sessions?user_id=${userId}`)).toEqual([id]);
  const paginated = await ask(`/sessions?user_id=${userId}&paginated=true&status=active`);
  expect(paginated.body).toMatchObject({ total_count: 1, data: [{ id, user_id: userId }] });
  expect((await ask(`/sessions/${String(id)}`)).body).not.toHaveProperty('user');
});

test('what is not there is a 404 of Clerk’s form', async () => {
  await start();
  for (const path of ['/users/user_2x', '/organizations/org_2x', '/organization_roles/role_2x']) {
    const { status, body } = await ask(path);
    expect(status).toBe(404);
    expect(body.errors[0].code).toBe('resource_not_found');
  }
});

test('a parameter that Clerk does not know for a path is refused', async () => {
  await start();
  const { status, body } = await ask('/organization_memberships?user_id=user_2x');
  expect(status).toBe(422);
  expect(body.errors[0].meta).toEqual({ param_name: 'user_id' });
});

test('more requests than the limit are turned away with Retry-After, and counted', async () => {
  await start({ limit: { requests: 3, windowMs: 10_000 } });
  const replies: Reply[] = [];
  for (let n = 0; n < 5; n++) replies.push(await ask('/users'));
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429]);
  expect(Number(replies[3]?.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(server.counts()).toMatchObject({ requests: 5, limited: 2, peak: 3 });
});

test('creating users has a limit of its own', async () => {
  await start({ creationLimit: { requests: 1, windowMs: 10_000 } });
  const create = (address: string) => {
    const body = JSON.stringify({ email_address: [address], skip_password_requirement: true });
    const headers = { authorization: `Bearer ${server.secretKey}` };
    return ask('/users', { method: 'POST', headers, body });
  };
  expect((await create('a@a.example')).status).toBe(200);
  expect((await create('b@b.example')).status).toBe(429);
  expect((await ask('/users')).status).toBe(200);
});

test('another process changes and deletes users through the API', async () => {
  await start({ size: { users: 2 } });
  const [id = ''] = await idsIn('/users');
  const headers = { authorization: `Bearer ${server.secretKey}` };
  const body = JSON.stringify({ first_name: 'Renamed' });
  const changed = await ask(`/users/${id}`, { method: 'PATCH', headers, body });
  expect(changed.body).toMatchObject({ id, first_name: 'Renamed' });
  const deleted = await ask(`/users/${id}`, { method: 'DELETE', headers });
  expect(deleted.body).toEqual({ object: 'user', id, deleted: true });
  expect((await ask(`/users/${id}`)).status).toBe(404);
});

test('a user has the fields that webhooks carry', async () => {
  await start({ size: { users: 5 } });
  const fields = Object.keys(sampleEvent('user.created').data).sort();
  for (const user of [...server.instance.readAll('users'), server.instance.add('users')]) {
    expect(Object.keys(user).sort()).toEqual(fields);
  }
});

test('each change tells its event, and bumps updated_at', async () => {
  const events: InstanceEvent[] = [];
  await start({ size: { organizations: 1 }, onEvent: (event) => void events.push(event) });
  const { instance } = server;
  const user = instance.add('users');
  const userId = String(user['id']);
  const parents = { userId, organizationId: String(instance.readAll('organizations')[0]?.['id']) };
  const member = instance.add('organization_memberships', {}, parents);
  const session = instance.add('sessions', {}, parents);
  const invitation = instance.add('organization_invitations', {}, parents);
  const renamed = instance.update('users', userId, { first_name: 'Renamed' });
  instance.update('sessions', String(session['id']), { status: 'ended' });
  instance.update('organization_invitations', String(invitation['id']), { status: 'expired' });
  instance.update('organization_invitations', String(invitation['id']), { status: 'revoked' });
  instance.remove('organization_memberships', String(member['id']));
  instance.add('organization_memberships', {}, parents);
  instance.remove('users', userId);
  expect(events.map(({ type }) => type)).toEqual([
    'user.created',
    'organizationMembership.created',
    'session.created',
    'organizationInvitation.created',
    'user.updated',
    'session.ended',
    'organizationInvitation.revoked',
    'organizationMembership.deleted',
    'organizationMembership.created',
    'user.deleted',
  ]);
  expect(Number(renamed['updated_at'])).toBeGreaterThan(Number(user['updated_at']));
  expect(events[4]).toMatchObject({ object: 'event', instance_id: instance.id, data: renamed });
  expect(events[2]?.data['user']).toEqual(user);
  expect(events[7]?.data).toMatchObject({ role: expect.any(String), id: member['id'] });
  expect(events[9]?.data).toMatchObject({ object: 'user', id: userId, deleted: true });
  expect(instance.readAll('organization_memberships')).toEqual([]);
  expect(instance.readAll('sessions')).toEqual([]);
  const times = events.map(({ timestamp }) => timestamp);
  expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
});

test('no two users of a crowd share an id, an address, a username or an external id', async () => {
  await start({ size: { users: 5000 } });
  const users = server.instance.readAll('users');
  for (const read of [
    (user: Reply['body']) => [user.id],
    (user: Reply['body']) =>
      user.email_addresses.map((email: Reply['body']) => email.email_address),
    (user: Reply['body']) => user.email_addresses.map((email: Reply['body']) => email.id),
    (user: Reply['body']) => user.username ?? [],
    (user: Reply['body']) => user.external_id ?? [],
    (user: Reply['body']) => user.phone_numbers.map((phone: Reply['body']) => phone.phone_number),
  ]) {
    const values = users.flatMap(read);
    expect(values.length).toBeGreaterThan(500);
    expect(new Set(values).size).toBe(values.length);
  }
});

test('as a process of its own it serves the same instance, and tells what it counted', async () => {
  const size = { users: 20, organizations: 2, organization_memberships: 5 };
  await start({ size, seed: 'same' });
  const child = await spawnClerkApi({ size, seed: 'same' });
  try {
    const headers = { authorization: `Bearer ${child.secretKey}` };
    const answer = await fetch(`${child.url}/v1/organization_memberships`, { headers });
    expect(await answer.json()).toEqual((await ask('/organization_memberships')).body);
    expect(await child.readCounts()).toMatchObject({
      requests: 1,
      byRoute: { 'GET /organization_memberships': 1 },
    });
  } finally {
    await child.stop();
  }
});
