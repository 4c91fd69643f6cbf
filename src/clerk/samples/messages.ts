/** `email.created` and `sms.created`. Real ones carry live one-time codes; these codes are made up, afresh for each event. */
import { chanceOf, type Draw, drawEntityId, parentUserId } from './draw.js';
import { describePerson } from './people.js';
import { deriveId, drawDigits, drawOne, drawText } from './random.js';

export function buildEmail(draw: Draw) {
  const id = drawEntityId(draw, 'ema');
  const userId = parentUserId(draw, id);
  const to = describePerson(userId).email;
  const letter = drawOne(chanceOf(id, 'letter'), [writeCodeEmail, writeLinkEmail])(draw);
  return {
    object: 'email',
    id,
    slug: letter.slug,
    from_email_name: 'notifications',
    reply_to_email_name: null,
    to_email_address: to,
    email_address_id: deriveId('idn', `${userId}/${to}`),
    user_id: userId,
    subject: letter.subject,
    body: `<!doctype html><html><body><h1>${letter.subject}</h1>${letter.html}</body></html>`,
    body_plain: `${letter.subject}\n\n${letter.plain}\n`,
    status: 'queued',
    data: { app: APP, theme: { primary_color: '#2F3037' }, ...letter.data },
    delivered_by_clerk: true,
  };
}

export function buildSms(draw: Draw) {
  const id = drawEntityId(draw, 'sms');
  const userId = parentUserId(draw, id);
  const to = describePerson(userId).phone;
  const code = drawDigits(draw.random, 6);
  return {
    object: 'sms_message',
    id,
    slug: 'verification_code',
    from_phone_number: '+15550000001',
    to_phone_number: to,
    phone_number_id: deriveId('idn', `${userId}/${to}`),
    user_id: userId,
    message: `${code} is your verification code for ${APP.name}. Do not share it with anyone.`,
    status: 'queued',
    data: { app: APP, otp_code: code },
    delivered_by_clerk: true,
    created_at_ms: draw.at,
  };
}

function writeCodeEmail({ random }: Draw) {
  const code = drawDigits(random, 6);
  return {
    slug: 'verification_code',
    subject: `${code} is your ${APP.name} verification code`,
    html: `<p>Enter this code to go on:</p><p><strong>${code}</strong></p><p>It expires in 10 minutes.</p>`,
    plain: `Enter this code to go on: ${code}\nIt expires in 10 minutes.`,
    data: { otp_code: code },
  };
}

function writeLinkEmail({ random }: Draw) {
  const link = `${APP.url}/v1/verify?token=${drawText(random, 48)}`;
  return {
    slug: 'magic_link_sign_in',
    subject: `Sign in to ${APP.name}`,
    html: `<p><a href="${link}">Sign in</a></p><p>The link works once, for 10 minutes.</p>`,
    plain: `Sign in: ${link}\nThe link works once, for 10 minutes.`,
    data: { magic_link: link, ttl_minutes: 10 },
  };
}

const APP = {
  name: 'Paper Lantern',
  domain_name: 'example.com',
  url: 'https://accounts.example.com',
};
