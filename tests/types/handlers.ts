/** What the compiler must say of handlers: each line below an expectation is a mistake, all others are sound. Never run. */
import { type EventData } from '../../src/clerk/event-data.js';
import { type EventType } from '../../src/clerk/event-types.js';
import { defineHandlers, type Handler } from '../../src/outbox/define-handlers.js';

const welcome: Handler<'user.created'> = async ({ data }) => {
  data.email_addresses.map(({ email_address }) => email_address.toLowerCase());
};
const takeOff: Handler<'user.deleted'> = async ({ data }) => {
  data.external_id?.toLowerCase();
};
const follow: Handler<'user.created' | 'user.updated' | 'user.deleted'> = async (event) => {
  if (event.type === 'user.deleted') event.data.external_id?.toLowerCase();
  else event.data.email_addresses.map(({ id }) => id);
};
const anything: Handler = async ({ id, type }) => {
  [id, type].join(' ');
};

defineHandlers({
  'user.created': { welcome, follow, anything },
  'user.deleted': { 'take-off': takeOff },
  'user.*': { follow },
  '*': { anything },
  'organization.created': {
    'make-workspace': async ({ data }, { idempotencyKey }) => {
      [data.slug, data.created_by, idempotencyKey].join(' ');
    },
  },
  'session.pending': {
    greet: async ({ data }, { db }) => {
      await db.user.findUnique({ where: { id: data.user_id } });
    },
  },
  'user.updated': {
    metadata: async ({ data }) => {
      Object.keys({ ...data.public_metadata, ...data.private_metadata });
    },
  },
  'waitlistEntry.updated': {
    invite: async ({ data }) => {
      data.invitation?.email_address.toLowerCase();
    },
  },
});

defineHandlers({
  // @ts-expect-error -- a user who is gone has no addresses
  'user.deleted': { welcome },
});
defineHandlers({
  // @ts-expect-error -- an organization is no user
  'organization.created': { welcome },
});
defineHandlers({
  // @ts-expect-error -- among the events of a user is the deletion
  'user.*': { welcome },
});
defineHandlers({
  // @ts-expect-error -- nor does it fit every event
  '*': { follow },
});
defineHandlers({
  // @ts-expect-error -- Clerk sends no such event
  'user.create': { anything },
});
defineHandlers({
  'organization.created': {
    wrong: async ({ data }) => {
      // @ts-expect-error -- organizations have no addresses
      Object.keys(data.email_addresses);
    },
  },
  'email.created': {
    deliver: async ({ data }) => {
      // @ts-expect-error -- the body of a message is dropped before the queue
      Object.keys(data.body);
    },
  },
  'sms.created': {
    deliver: async ({ data }) => {
      // @ts-expect-error -- likewise its text
      Object.keys(data.message);
    },
  },
  'organizationInvitation.created': {
    remind: async ({ data }) => {
      // @ts-expect-error -- the link holds a ticket
      Object.keys(data.url);
    },
  },
  'waitlistEntry.updated': {
    remind: async ({ data }) => {
      // @ts-expect-error -- likewise where it stands deeper
      Object.keys(data.invitation?.url ?? '');
    },
  },
  'user.updated': {
    check: async ({ data }) => {
      // @ts-expect-error -- and so does what verifies an address
      Object.keys(data.email_addresses[0]?.verification?.nonce ?? '');
      // @ts-expect-error -- missing with STORE_PRIVATE_METADATA=false
      Object.keys(data.private_metadata);
    },
  },
  'user.created': {
    // @ts-expect-error -- whoever does not wait for its work says that it is done before it is
    hasty: () => undefined,
  },
});

/** A type that Clerk's package does not know stands in `Untyped`: no handler could read its data otherwise. */
type Unreadable = { [T in EventType]: [EventData<T>] extends [never] ? T : never }[EventType];
export const unreadable: [Unreadable] extends [never] ? true : Unreadable = true;
