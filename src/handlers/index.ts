/** What your application wants to happen on events of Clerk's (docs/decisions/0021-handlers.md). This folder is yours. */
import { defineHandlers } from '../outbox/define-handlers.js';
import { logSignUps } from './log-sign-ups.js';
// import { sendWelcomeEmail } from './welcome-email.js';

export const HANDLERS = defineHandlers({
  'user.created': {
    'log-sign-ups': logSignUps,
    // 'welcome-email': sendWelcomeEmail,
  },
});
