/** Says in the log that somebody signed up, and by which means. Nothing that tells who. */
import { type Handler } from '../outbox/define-handlers.js';

export const logSignUps: Handler<'user.created'> = async ({ data }, { logger }) => {
  const means = [
    ...(data.email_addresses.length > 0 ? ['email'] : []),
    ...(data.phone_numbers.length > 0 ? ['phone'] : []),
    ...(data.web3_wallets.length > 0 ? ['wallet'] : []),
    ...data.external_accounts.map(({ provider }) => provider),
    ...(data.enterprise_accounts.length > 0 ? ['enterprise'] : []),
  ];
  logger.info({ userId: data.id, means: [...new Set(means)] }, 'somebody signed up');
};
