/** A test of a handler, as an application would write it. */
import { logSignUps } from '../../../src/handlers/log-sign-ups.js';
import { runHandler, sampleEvent } from '../../../src/outbox/testing.js';

test('a sign-up is one line that says by which means, and not who', async () => {
  const event = sampleEvent('user.created', { entityId: 'user_2abc' });
  const { logged } = await runHandler(logSignUps, event);
  expect(logged).toHaveLength(1);
  expect(logged[0]).toMatchObject({
    userId: 'user_2abc',
    means: expect.arrayContaining(['email']),
  });
  const text = JSON.stringify(logged);
  const { first_name, last_name, email_addresses } = event.data as Record<string, never>;
  for (const personal of [first_name, last_name, email_addresses?.[0]?.['email_address']]) {
    expect(personal).toBeTruthy();
    expect(text).not.toContain(personal);
  }
});

test('each means is said once', async () => {
  const event = sampleEvent('user.created');
  Object.assign(event.data, {
    email_addresses: [],
    phone_numbers: [{ id: 'idn_1' }],
    web3_wallets: [],
    external_accounts: [{ provider: 'oauth_google' }, { provider: 'oauth_google' }],
    enterprise_accounts: [],
  });
  const { logged } = await runHandler(logSignUps, event);
  expect(logged[0]).toMatchObject({ means: ['phone', 'oauth_google'] });
});

test('an event that lacks lists which it should have is a sign-up like any other', async () => {
  const event = sampleEvent('user.created');
  Object.assign(event, { data: { id: 'user_2abc', phone_numbers: [{ id: 'idn_1' }] } });
  const { logged } = await runHandler(logSignUps, event);
  expect(logged[0]).toMatchObject({ userId: 'user_2abc', means: ['phone'] });
});
