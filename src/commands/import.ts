/** `npm run import`: brings the users that a team had before Clerk into Clerk. The tables follow by webhook. */
import { importUsers, type ImportResult } from '../backfill/import-users.js';
import { FIELDS, readUsersFile, type Refused } from '../backfill/read-users-file.js';
import { createClerkApi } from '../clerk/backend-api.js';
import { readConfig } from '../config.js';
import { SyncError } from '../errors.js';
import { readArguments, type Command } from './command.js';
import { createProgress } from './progress.js';

const USAGE = `Usage: npm run import -- FILE [options]
  FILE     CSV with a header, or JSON lines (.jsonl), with these fields; id and email are needed:
           ${FIELDS.slice(0, 5).join(', ')},
           ${FIELDS.slice(5).join(', ')}
  --apply  create them; without it only shows what it would do
  --json   one JSON document`;

/** More would only scroll away; --json has them all. */
const SHOWN_REFUSALS = 50;

export const importCommand: Command = {
  usage: USAGE,
  async run(args, context) {
    const { values, positionals } = readArguments(
      args,
      { apply: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
      USAGE,
    );
    const [file, ...others] = positionals;
    if (file === undefined || others.length > 0) {
      throw new SyncError('usage.invalid', `Which file?\n${USAGE}`);
    }
    const config = readConfig(context.environment, ['clerk']);
    const api = createClerkApi({
      secretKey: config.CLERK_SECRET_KEY ?? '',
      apiUrl: config.CLERK_API_URL,
    });
    const { writeProgress, isTerminal, print } = context;
    const bar = createProgress({ label: 'users', total: null, write: writeProgress, isTerminal });
    const refusals: Refused[] = [];
    const result = await importUsers({
      api,
      users: readUsersFile(file),
      roles: config.USER_ROLES,
      isApplied: values.apply,
      onRefused: (refused) => void refusals.push(refused),
      onProgress: ({ read }) => bar.show(read),
    });
    bar.end();
    if (values.json) print(JSON.stringify({ isApplied: values.apply, ...result, refusals }));
    else for (const line of describe(result, refusals, values.apply)) print(line);
    return result.refused > 0 ? 1 : 0;
  },
};

function describe(
  { read, created, skipped, refused }: ImportResult,
  refusals: readonly Refused[],
  isApplied: boolean,
): string[] {
  const lines = refusals
    .slice(0, SHOWN_REFUSALS)
    .map(({ line, id, reason }) => `line ${line}${id === undefined ? '' : ` (${id})`} ${reason}`);
  const hidden = refusals.length - lines.length;
  return [
    ...lines,
    ...(hidden > 0 ? [`and ${hidden} more; --json shows all of them`] : []),
    `${read} users read: ${created} ${isApplied ? 'created' : 'to be created'}, ${skipped} in Clerk already, ${refused} refused`,
    ...(isApplied ? [] : ['Nothing was changed. To create them: --apply']),
  ];
}
