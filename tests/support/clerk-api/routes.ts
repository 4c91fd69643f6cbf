/** The paths of the Backend API that a sync uses, and what each does to the instance. */
import { type Answer, answer, notFound, Refusal } from './answers.js';
import { type Item, type JsonObject } from './collection.js';
import { type Instance } from './instance.js';
import { type Kind } from './kinds.js';
import {
  answerList,
  countList,
  type Filter,
  type List,
  type UnknownCursor,
  withoutFields,
} from './lists.js';
import { createUser, findUsers, mergeMetadata } from './users.js';

export interface ApiRequest {
  instance: Instance;
  /** What stands in the path for each `*` of the route. */
  ids: readonly string[];
  query: URLSearchParams;
  body: JsonObject;
  unknownCursor: UnknownCursor;
}

export type Route = (request: ApiRequest) => Answer;

const USERS: List = {
  kind: 'users',
  form: 'array',
  hasCursor: true,
  filters: {
    user_id: signed('id'),
    external_id: signed('external_id'),
    email_address: ({ email_addresses: emails }, values) =>
      (emails as { email_address: string }[]).some((email) => values.includes(email.email_address)),
  },
};

const ORGANIZATIONS: List = {
  kind: 'organizations',
  form: 'wrapped',
  optional: {
    members_count: 'include_members_count',
    missing_member_with_elevated_permissions: 'include_missing_member_with_elevated_permissions',
  },
};

const MEMBERSHIPS: List = { kind: 'organization_memberships', form: 'wrapped' };

const INVITATIONS: List = {
  kind: 'organization_invitations',
  form: 'wrapped',
  filters: { status: equal('status'), query: part('email_address') },
};

const DOMAINS: List = {
  kind: 'organization_domains',
  form: 'wrapped',
  filters: { organization_id: equal('organization_id') },
};

const ROLES: List = {
  kind: 'organization_roles',
  form: 'wrapped',
  filters: { query: part('name', 'key') },
};

const PERMISSIONS: List = { ...ROLES, kind: 'organization_permissions' };

const WAITLIST: List = {
  kind: 'waitlist_entries',
  form: 'wrapped',
  filters: { status: equal('status'), query: part('email_address') },
};

const SESSIONS: List = {
  kind: 'sessions',
  form: 'array',
  filters: { user_id: equal('user_id'), client_id: equal('client_id'), status: equal('status') },
};

/** By method and path, a `*` standing for an id. */
export const ROUTES: Readonly<Record<string, Route>> = {
  'GET /users': ({ query, ...request }) =>
    answerList({ ...request, query, list: USERS, within: findUsers(request.instance, query) }),
  'GET /users/count': ({ query, ...request }) => {
    const within = findUsers(request.instance, query);
    const count = countList({ ...request, query, list: USERS, within });
    return answer({ object: 'total_count', total_count: count });
  },
  'GET /users/*': readOne('users'),
  'POST /users': ({ instance, body }) => answer(createUser(instance, body)),
  'PATCH /users/*/metadata': ({ instance, ids: [id = ''], body }) => {
    const user = mustRead(instance, 'users', id);
    return answer(instance.update('users', id, mergeMetadata(user, body)));
  },
  'PATCH /users/*': ({ instance, ids: [id = ''], body }) => {
    mustRead(instance, 'users', id);
    return answer(instance.update('users', id, body));
  },
  'DELETE /users/*': ({ instance, ids: [id = ''] }) => {
    mustRead(instance, 'users', id);
    instance.remove('users', id);
    return answer({ object: 'user', id, deleted: true });
  },
  'GET /organizations': listAll(ORGANIZATIONS),
  'GET /organizations/*': ({ instance, ids: [id = ''], query }) => {
    const { text } = answer(mustRead(instance, 'organizations', id));
    const isAsked = query.get('include_members_count') === 'true';
    return { status: 200, text: isAsked ? text : withoutFields(text, ['members_count']) };
  },
  'GET /organizations/*/memberships': ({ ids: [id = ''], ...request }) => {
    mustRead(request.instance, 'organizations', id);
    const within = request.instance.collections.organization_memberships.childrenOf(id);
    const list = { ...MEMBERSHIPS, filters: { user_id: isMember } };
    return answerList({ ...request, list, within });
  },
  'GET /organizations/*/invitations/*': ({ instance, ids: [organizationId = '', id = ''] }) => {
    mustRead(instance, 'organizations', organizationId);
    const invitation = mustRead(instance, 'organization_invitations', id);
    if (invitation['organization_id'] === organizationId) return answer(invitation);
    throw notFound('invitation', id);
  },
  'GET /organization_memberships': listAll(MEMBERSHIPS),
  'GET /organization_invitations': listAll(INVITATIONS),
  'GET /organization_domains': listAll(DOMAINS),
  'GET /organization_roles': listAll(ROLES),
  'GET /organization_roles/*': readOne('organization_roles'),
  'GET /organization_permissions': listAll(PERMISSIONS),
  'GET /organization_permissions/*': readOne('organization_permissions'),
  'GET /waitlist_entries': listAll(WAITLIST),
  'GET /sessions': listSessions,
  'GET /sessions/*': readOne('sessions'),
  'GET /instance': ({ instance: { id, isLive } }) => {
    const environment = isLive ? 'production' : 'development';
    return answer({ object: 'instance', id, environment_type: environment, allowed_origins: null });
  },
};

function listAll(list: List): Route {
  return (request) => answerList({ ...request, list });
}

function readOne(kind: Kind): Route {
  return ({ instance, ids: [id = ''] }) => answer(mustRead(instance, kind, id));
}

/** Only of somebody: there is no list of all sessions. */
function listSessions({ query, ...request }: ApiRequest): Answer {
  const userId = query.get('user_id');
  if (userId === null && !query.has('client_id')) {
    throw new Refusal(422, {
      code: 'form_param_missing',
      message: 'is missing',
      parameter: 'user_id',
    });
  }
  const isWrapped = query.get('paginated') === 'true';
  const rest = new URLSearchParams([...query].filter(([name]) => name !== 'paginated'));
  const within: Item[] | undefined =
    userId === null ? undefined : request.instance.collections.sessions.childrenOf(userId);
  const list: List = { ...SESSIONS, form: isWrapped ? 'wrapped' : 'array' };
  return answerList({ ...request, query: rest, list, within });
}

function mustRead(instance: Instance, kind: Kind, id: string): JsonObject {
  const object = instance.read(kind, id);
  if (!object) throw notFound(kind, id);
  return object;
}

function isMember({ public_user_data: user }: JsonObject, values: readonly string[]): boolean {
  return signed('user_id')(user as JsonObject, values); // every membership has it
}

function equal(field: string): Filter {
  return (object, values) => values.includes(String(object[field]));
}

/** The id as a whole, of other fields any part. */
function part(...fields: string[]): Filter {
  return (object, [value = '']) =>
    object['id'] === value ||
    fields.some((field) => String(object[field]).toLowerCase().includes(value.toLowerCase()));
}

/** `+` or nothing before a value includes, `-` excludes. */
function signed(field: string): Filter {
  return (object, values) => {
    const own = String(object[field]);
    const excluded = values.filter((value) => value.startsWith('-'));
    const included = values.filter((value) => !value.startsWith('-'));
    const isIncluded =
      included.length === 0 || included.some((value) => value.replace(/^\+/, '') === own);
    return isIncluded && !excluded.includes(`-${own}`);
  };
}
