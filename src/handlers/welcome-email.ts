/** A recipe: a mail to whoever signs up. Put your provider and your words in, then take it into `index.ts`. */
import { type HandlerContext, type HandlerEvent } from '../outbox/define-handlers.js';

/** Any provider that knows the header `Idempotency-Key` will do; this one does: https://resend.com/docs/api-reference/emails/send-email */
const PROVIDER_URL = 'https://api.resend.com/emails';

export async function sendWelcomeEmail(
  { data }: HandlerEvent<'user.created'>,
  { env, idempotencyKey, signal }: HandlerContext,
): Promise<void> {
  const primary = data.email_addresses.find(({ id }) => id === data.primary_email_address_id);
  // Who signs up by phone or wallet has no address, and that is no failure.
  if (!primary) return;
  const response = await fetch(env['MAIL_URL'] ?? PROVIDER_URL, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${env['MAIL_API_KEY'] ?? ''}`,
      'content-type': 'application/json',
      // The same for every attempt: a second one sends no second mail.
      'idempotency-key': idempotencyKey,
    },
    body: JSON.stringify({
      from: env['MAIL_FROM'],
      to: primary.email_address,
      subject: 'Welcome',
      text: `Hello ${data.first_name ?? 'there'}, good to have you.`,
    }),
    signal,
  });
  // A failed attempt comes again after a pause. Say the status alone: the provider's answer may repeat the address.
  if (!response.ok) throw new Error(`The mail provider answered ${response.status}.`);
}
