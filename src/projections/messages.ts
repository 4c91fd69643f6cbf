/** email.created, sms.created -> email_messages, sms_messages: to whom, what kind, when. What was written is nowhere. Pure. */
import { stateOf } from './entity.js';
import { readFlag, readText, readTime } from './read.js';

export const emailCreated = stateOf('email', (data, event) => ({
  // An email has no time of its own; its event comes when it is made.
  createdAt: readTime(event.occurredAt),
  columns: {
    user_id: readText(data['user_id']),
    email_address_id: readText(data['email_address_id']),
    to_email: readText(data['to_email_address']),
    slug: readText(data['slug']),
    status: readText(data['status']),
    delivered_by_clerk: readFlag(data['delivered_by_clerk']),
  },
}));

export const smsCreated = stateOf('sms', (data, event) => ({
  createdAt: readTime(data['created_at_ms']) ?? readTime(event.occurredAt),
  columns: {
    user_id: readText(data['user_id']),
    phone_number_id: readText(data['phone_number_id']),
    to_phone: readText(data['to_phone_number']),
    slug: readText(data['slug']),
    status: readText(data['status']),
    delivered_by_clerk: readFlag(data['delivered_by_clerk']),
  },
}));
