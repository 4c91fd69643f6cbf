import { inspect } from 'node:util';
import { API_ENTITIES, type ApiEntityName } from '../../src/clerk/api-entities.js';
import { createClerkApi, type NewUser } from '../../src/clerk/backend-api.js';
import { answerHtml, failWith, loseAnswer, reset } from '../support/clerk-api/faults.js';
import { type JsonObject } from '../support/clerk-api/collection.js';
import { type Kind } from '../support/clerk-api/kinds.js';
import {
  type ClerkApiOptions,
  type ClerkApiServer,
  startClerkApi,
} from '../support/clerk-api/start-clerk-api.js';

const SIZE = {
  users: 20,
  organizations: 5,
  organization_memberships: 40,
  organization_invitations: 10,
  organization_domains: 10,
  organization_roles: 4,
  organization_permissions: 4,
  waitlist_entries: 12,
};
const ENTITIES = Object.keys(API_ENTITIES) as ApiEntityName[];
const HASHED = `$2b$10$${'a'.repeat(53)}`;
const BOUNDLESS = { requests: 1_000_000, windowMs: 10_000 };

let server: ClerkApiServer;

afterEach(() => server.stop());

async function start(options: ClerkApiOptions = {}) {
  server = await startClerkApi({
    size: SIZE,
    limit: BOUNDLESS,
    creationLimit: BOUNDLESS,
    ...options,
  });
  const { url: apiUrl, secretKey } = server;
  return createClerkApi({
    secretKey,
    apiUrl,
    patience: { attempts: 3, firstPauseMs: 1 },
    allowance: BOUNDLESS,
    creationAllowance: BOUNDLESS,
  });
}

function kindOf(entity: ApiEntityName): Kind {
  return entity === 'roles' || entity === 'permissions' ? `organization_${entity}` : entity;
}

interface Address {
  email_address: string;
}

/** What a row of ours knows of the object. */
function soughtOf(object: JsonObject) {
  const { organization, public_user_data: user, organization_id: organizationId } = object;
  return {
    id: String(object['id']),
    organizationId: (organizationId ?? (organization as JsonObject | undefined)?.['id']) as string,
    userId: (user as JsonObject | undefined)?.['user_id'] as string,
  };
}

function newUser(fields: Partial<NewUser> = {}): NewUser {
  return { externalId: '-4711', emailAddresses: ['ada@lovelace.example'], ...fields };
}

describe.each(ENTITIES)('one of the %s', (entity) => {
  test('is found by what is known of it, as Clerk has it', async () => {
    const api = await start();
    const [first, second] = server.instance.readAll(kindOf(entity));
    for (const object of [first ?? {}, second ?? {}]) {
      const { missing_member_with_elevated_permissions: _notAskedFor, ...expected } = object;
      expect(await api.find(entity, soughtOf(object))).toMatchObject(expected);
    }
  });

  test('that was deleted is null', async () => {
    const api = await start();
    const [object = {}] = server.instance.readAll(kindOf(entity));
    server.instance.remove(kindOf(entity), String(object['id']));
    expect(await api.find(entity, soughtOf(object))).toBeNull();
  });

  test('is not taken for deleted when the answer is not from Clerk', async () => {
    const api = await start();
    const [object = {}] = server.instance.readAll(kindOf(entity));
    server.fail({ how: answerHtml(404) });
    await expect(api.find(entity, soughtOf(object))).rejects.toMatchObject({
      code: 'clerk.rejected',
    });
  });
});

test.each([
  'organization_memberships',
  'organization_invitations',
  'organization_domains',
] as const)(
  'one of the %s is null when its organization is gone, and an error when that is not known',
  async (entity) => {
    const api = await start();
    const [object = {}] = server.instance.readAll(entity);
    const sought = soughtOf(object);
    server.instance.remove('organizations', sought.organizationId);
    expect(await api.find(entity, sought)).toBeNull();
    const unknown = { ...sought, organizationId: null };
    await expect(api.find(entity, unknown)).rejects.toMatchObject({ code: 'work.failed' });
  },
);

test('a membership is looked for among those of its user, not of the whole organization', async () => {
  const api = await start();
  const [object = {}] = server.instance.readAll('organization_memberships');
  server.fail({ how: failWith(500), on: /memberships\?(?!user_id=user_)/ });
  expect(await api.find('organization_memberships', soughtOf(object))).not.toBeNull();
});

test('a membership that took the place of another is not the one that is sought', async () => {
  const api = await start();
  const [object = {}] = server.instance.readAll('organization_memberships');
  const sought = soughtOf(object);
  server.instance.remove('organization_memberships', sought.id);
  server.instance.add('organization_memberships', {
    organization: { id: sought.organizationId },
    public_user_data: { user_id: sought.userId },
  });
  expect(await api.find('organization_memberships', sought)).toBeNull();
});

test('an id with strange characters is asked for as it is', async () => {
  const api = await start();
  expect(await api.findUser('x/metadata?limit=1#y%')).toBeNull();
  expect(server.counts().byRoute).toEqual({ 'GET /users/*': 1 });
});

test('both ways of asking name the same version of the API', async () => {
  const api = await start();
  await api.countUsers();
  await api.listPages('roles').next();
  expect(server.counts().apiVersions).toHaveLength(1);
});

test('users are counted, and the instance says who it is', async () => {
  const api = await start({ instanceId: 'ins_2Mine' });
  expect(await api.countUsers()).toBe(20);
  expect(await api.readInstance()).toEqual({ id: 'ins_2Mine', environment: 'production' });
});

test('users are found by external id and by address, however many are asked for', async () => {
  const api = await start({ size: { users: 700 } });
  const users = server.instance.readAll('users');
  const known = users.filter(({ external_id: id }) => id !== null);
  const ids = known.map(({ external_id: id }) => String(id));
  expect(ids.length).toBeGreaterThan(50);
  const found = await api.findUsersBy('external_id', ['nobody', '', ...ids]);
  expect(found).toHaveLength(known.length);
  expect(found).toEqual(expect.arrayContaining(known));
  const addresses = users.map(
    (user) => (user['email_addresses'] as Address[])[0]?.email_address ?? '',
  );
  expect(await api.findUsersBy('email_address', addresses)).toHaveLength(700);
});

test('no value finds nobody, instead of everybody', async () => {
  const api = await start();
  expect(await api.findUsersBy('external_id', [])).toEqual([]);
  expect(await api.findUsersBy('email_address', [''])).toEqual([]);
  expect(server.counts().requests).toBe(0);
});

test('an external id that begins with a sign is found as it is', async () => {
  const api = await start();
  for (const externalId of ['-4711', '+4711', '4711']) {
    server.instance.add('users', { external_id: externalId });
  }
  for (const externalId of ['-4711', '+4711', '4711']) {
    const found = await api.findUsersBy('external_id', [externalId]);
    expect(found.map((user) => user['external_id'])).toEqual([externalId]);
  }
});

test('metadata is merged deeply, and a null removes its key', async () => {
  const api = await start();
  const { id } = server.instance.add('users', {
    public_metadata: { role: 'client', plan: { name: 'free', seats: 3 }, old: true },
  });
  const patch = { role: 'admin', plan: { seats: 5 }, old: null };
  const changed = await api.mergePublicMetadata(String(id), patch);
  const expected = { role: 'admin', plan: { name: 'free', seats: 5 } };
  expect(changed).toMatchObject({ id, public_metadata: expected });
  expect(changed).toEqual(server.instance.read('users', String(id)));
});

test('metadata of nobody is null', async () => {
  const api = await start();
  expect(await api.mergePublicMetadata('user_2nobody', { role: 'admin' })).toBeNull();
});

test('a user is created with all that is told of them', async () => {
  const api = await start();
  const createdAt = new Date('2020-02-03T04:05:06.789Z');
  const created = await api.createUser(
    newUser({
      emailAddresses: ['ada@lovelace.example', 'ada@engine.example'],
      firstName: 'Ada',
      lastName: 'Lovelace',
      username: 'ada',
      publicMetadata: { role: 'admin', camelCase: { innerKey: 1 } },
      password: { digest: HASHED, hasher: 'bcrypt' },
      createdAt,
    }),
  );
  expect(created).toEqual(server.instance.read('users', String(created['id'])));
  expect(created).toMatchObject({
    external_id: '-4711',
    first_name: 'Ada',
    last_name: 'Lovelace',
    username: 'ada',
    public_metadata: { role: 'admin', camelCase: { innerKey: 1 } },
    password_enabled: true,
    created_at: createdAt.getTime(),
    email_addresses: [
      { email_address: 'ada@lovelace.example' },
      { email_address: 'ada@engine.example' },
    ],
  });
});

test('a user needs no password', async () => {
  const api = await start();
  expect(await api.createUser(newUser())).toMatchObject({ password_enabled: false });
});

test.each([
  ['an address that is taken', 'form_identifier_exists for email_address', { externalId: 'other' }],
  [
    'an external id that is taken',
    'form_identifier_exists for external_id',
    { emailAddresses: ['b@b.example'] },
  ],
  ['no address', 'form_data_missing for email_address', { emailAddresses: [] }],
  [
    'half a hash',
    'form_password_digest_invalid',
    {
      externalId: 'x',
      emailAddresses: ['c@c.example'],
      password: { digest: 'HALFAHASH', hasher: 'bcrypt' },
    },
  ],
])(
  '%s is a refusal that says so, and repeats nothing of the person',
  async (_what, said, fields) => {
    const api = await start();
    await api.createUser(newUser());
    const error: unknown = await api.createUser(newUser(fields)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'clerk.rejected', retryable: false });
    expect(String(error)).toContain(`422: ${said}`);
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toMatch(/lovelace|4711|HALF/);
    expect(server.instance.collections.users.size).toBe(21);
  },
);

test.each([
  ['before it was done', reset(), 2],
  ['after it was done', loseAnswer(), 1],
  ['with a 500', failWith(500), 2],
])('a creation whose answer is lost %s makes one user', async (_when, how, posts) => {
  const api = await start();
  server.fail({ how, on: /^POST/, times: 1 });
  const created = await api.createUser(newUser());
  expect(created).toMatchObject({ external_id: '-4711' });
  expect(server.instance.collections.users.size).toBe(21);
  expect(server.counts().byRoute).toEqual({ 'POST /users': posts, 'GET /users': 1 });
});

test('creations keep to a limit of their own, unasked', async () => {
  await start({ creationLimit: { requests: 3, windowMs: 1000 } });
  const { url: apiUrl, secretKey } = server;
  const api = createClerkApi({ secretKey, apiUrl });
  for (let n = 0; n < 4; n++) {
    await api.createUser(newUser({ externalId: `x${n}`, emailAddresses: [`x${n}@x.example`] }));
  }
  expect(server.counts()).toMatchObject({ limited: 0, byRoute: { 'POST /users': 4 } });
});
