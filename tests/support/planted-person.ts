/** A person with canaries wherever Clerk may put what is theirs, and everybody who has to do with them. */
import { randomBytes, randomInt } from 'node:crypto';
import { type EventType } from '../../src/clerk/event-types.js';
import { sampleEvent, sampleId, type SampleEvent } from '../../src/clerk/samples/index.js';
import { type Canaries } from './canaries.js';
import { newMessageId } from './clerk.js';

export interface Sent {
  id: string;
  event: SampleEvent | Json;
}

export interface PlantedPerson {
  id: string;
  email: string;
  /** Who invited them, and mentions them. */
  friendId: string;
  organizationId: string;
  /** Of the person's invitation for somebody else, whose address this is. */
  invitationId: string;
  invitedEmail: string;
  /** Applied, ignored or failed, as their types say. */
  past: Sent[];
  /** Those of `past` that name the person by an address only, among what is others'. */
  byAddressOnly: Sent[];
  /** To be left waiting. */
  waiting: Sent[];
}

type Json = Record<string, unknown>;

/** All that `canaries` knows is the person's, and theirs alone. */
export function plantPerson(canaries: Canaries): PlantedPerson {
  const [id, friendId, organizationId] = [sampleId('user'), sampleId('user'), sampleId('org')];
  const plant = (what: string) => canaries.plant(what);
  const email = `${plant('email')}@example.com`;
  const phone = canaries.know('phone', `+1555${randomInt(1e9, 9e9)}`);
  const user = {
    email_addresses: [
      { id: 'idn_1', object: 'email_address', email_address: email },
      {
        id: 'idn_2',
        object: 'email_address',
        email_address: `${plant('second email')}@example.com`,
      },
    ],
    primary_email_address_id: 'idn_1',
    phone_numbers: [{ id: 'idn_3', object: 'phone_number', phone_number: phone }],
    primary_phone_number_id: 'idn_3',
    web3_wallets: [
      { id: 'idn_4', web3_wallet: canaries.know('wallet', `0x${randomBytes(20).toString('hex')}`) },
    ],
    external_accounts: [
      {
        email_address: `${plant('external email')}@example.com`,
        first_name: plant('external name'),
      },
    ],
    first_name: plant('first name'),
    last_name: plant('last name'),
    username: plant('username'),
    external_id: plant('external id'),
    image_url: `https://img.example.com/${plant('image')}.png`,
    profile_image_url: null,
    public_metadata: { note: plant('public metadata') },
    private_metadata: { [plant('private metadata')]: 1 },
    unsafe_metadata: { list: [plant('unsafe metadata')] },
  };
  const publicly = (names: Json = {}) => ({
    user_id: id,
    first_name: plant('public first name'),
    image_url: null,
    identifier: email,
    ...names,
  });
  const payer = {
    id: sampleId('cpayer'),
    user_id: id,
    first_name: plant('payer name'),
    email,
    organization_id: '',
  };
  const request = () => ({
    http_request: { client_ip: plantAddress(canaries), user_agent: plant('user agent') },
  });
  const send = (type: EventType, data: Json, options = {}): Sent => {
    const event = sampleEvent(type, options);
    const whole = { ...event, data: { ...event.data, ...data }, event_attributes: request() };
    return { id: newMessageId(), event: whole };
  };
  /** Of somebody else: neither the request nor anything but `data` is the person's. */
  const sendOthers = (type: EventType, data: Json, options = {}): Sent => {
    const event = sampleEvent(type, options);
    return { id: newMessageId(), event: { ...event, data: { ...event.data, ...data } } };
  };
  const session = (version: number) =>
    send(
      'session.created',
      {
        user: { id, object: 'user', ...user, updated_at: Date.now() },
        latest_activity: { ip_address: plantAddress(canaries), city: plant('city') },
      },
      { userId: id, version },
    );
  const message = { to_email_address: email, user_id: id };
  const membership = send(
    'organizationMembership.created',
    { public_user_data: publicly(), public_metadata: { seat: plant('seat') } },
    { organizationId, userId: id },
  );
  const invited = send(
    'organizationInvitation.created',
    { email_address: email, public_metadata: { note: plant('invitation metadata') } },
    { organizationId },
  );
  const inviting = (data: Json = {}) =>
    sendOthers(
      'organizationInvitation.created',
      {
        email_address: `joe.${sampleId('x')}@example.com`,
        inviter_id: id,
        public_inviter_data: publicly(),
        ...data,
      },
      { organizationId },
    );
  const waitingInvitation = inviting();
  const { id: invitationId, email_address: invitedEmail } = waitingInvitation.event['data'] as {
    id: string;
    email_address: string;
  }; // as just made
  const byAddressOnly = [
    sendOthers(
      'organizationDomain.created',
      { affiliation_email_address: email },
      { organizationId },
    ),
    sendOthers(
      'user.created',
      { unsafe_metadata: { referred_by: email, plan: 'b' } },
      { entityId: friendId },
    ),
  ];
  const past = [
    send('user.created', user, { entityId: id }),
    ...byAddressOnly,
    session(0),
    sendOthers('organization.created', {}, { entityId: organizationId, userId: id }),
    membership,
    invited,
    inviting(),
    send('waitlistEntry.created', { email_address: email }),
    send('email.created', message, { userId: id }),
    send('sms.created', { to_phone_number: phone, user_id: id }, { userId: id }),
    send('subscription.created', { payer, payer_id: payer.id }, { userId: id }),
    send(
      'paymentAttempt.created',
      { payer, payment_source: { id: sampleId('cpm'), last4: plant('card') } },
      { userId: id },
    ),
    {
      id: newMessageId(),
      event: {
        type: 'thing.created',
        data: { id: 'thing_1', user_id: id, name: plant('a thing') },
      },
    },
    send('session.created', { user_id: null, user: { id, ...user } }), // fails
    inviting({ organization_id: null }), // fails, and is about somebody else
  ];
  return {
    ...{ id, email, friendId, organizationId, invitationId, invitedEmail, past, byAddressOnly },
    waiting: [
      send(
        'user.updated',
        { ...user, first_name: plant('new name') },
        { entityId: id, version: 9 },
      ),
      session(9),
      waitingInvitation,
      send('email.created', message, { userId: id }),
      send('waitlistEntry.updated', { email_address: email }),
    ],
  };
}

function plantAddress(canaries: Canaries): string {
  const groups = randomBytes(8).toString('hex').match(/.{4}/g) ?? [];
  return canaries.know('IP address', `2001:db8:${groups.join(':')}`);
}
