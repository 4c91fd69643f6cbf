/** `npm run role`: sets a user's role where Clerk keeps it. The tables follow by webhook: they have no second way in. */
import { createClerkApi } from '../clerk/backend-api.js';
import { readConfig } from '../config.js';
import { SyncError } from '../errors.js';
import { readArguments, type Command } from './command.js';

const USAGE = `Usage: npm run role -- USER_ID ROLE [--json]
  USER_ID  user_…
  ROLE     one of USER_ROLES, where that is set; goes to public_metadata.role in Clerk`;

export const roleCommand: Command = {
  usage: USAGE,
  async run(args, { environment, print }) {
    const { values, positionals } = readArguments(
      args,
      { json: { type: 'boolean', default: false } },
      USAGE,
    );
    const [userId, role, ...others] = positionals;
    if (!userId?.startsWith('user_') || !role || others.length > 0) {
      throw new SyncError('usage.invalid', `A user's id and a role are needed.\n${USAGE}`);
    }
    const config = readConfig(environment, ['clerk']);
    const { USER_ROLES: roles } = config;
    if (roles && !roles.includes(role)) {
      throw new SyncError(
        'usage.invalid',
        `"${role}" is none of USER_ROLES (${roles.join(', ')}). Choose one of them, or add it there.`,
      );
    }
    const api = createClerkApi({
      secretKey: config.CLERK_SECRET_KEY ?? '',
      apiUrl: config.CLERK_API_URL,
    });
    const user = await api.mergePublicMetadata(userId, { role });
    if (user === null) {
      throw new SyncError(
        'work.failed',
        `Clerk has no user ${userId}. Check the id, and that CLERK_SECRET_KEY is of the same instance.`,
      );
    }
    print(
      values.json
        ? JSON.stringify({ userId, role })
        : `Clerk has set the role of ${userId} to "${role}". Its webhook user.updated brings it to users.role; without webhooks: npm run backfill -- ${userId}`,
    );
    return 0;
  },
};
