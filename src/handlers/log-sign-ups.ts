/** Says in the log that somebody signed up, and by which means. Nothing that tells who. */
import { type Handler } from '../outbox/define-handlers.js';

export const logSignUps: Handler<'user.created'> = async ({ data }, { logger }) => {
  const means = [
    ...(hasAny(data.email_addresses) ? ['email'] : []),
    ...(hasAny(data.phone_numbers) ? ['phone'] : []),
    ...(hasAny(data.web3_wallets) ? ['wallet'] : []),
    ...(hasAny(data.external_accounts)
      ? data.external_accounts.map(({ provider }) => provider)
      : []),
    ...(hasAny(data.enterprise_accounts) ? ['enterprise'] : []),
  ];
  logger.info({ userId: data.id, means: [...new Set(means)] }, 'somebody signed up');
};

/** An event may lack a list that Clerk's type promises: one that was made by hand, or of another version of its API. */
function hasAny(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0;
}
