/** What a newcomer reads once everything runs: where it is, and what to do next. Pure. */
import { type SystemFile } from '../environment.js';

export interface BannerOptions {
  system: SystemFile;
  schema: string;
  /** The machine has psql: then the shortest way to a row is shown. */
  hasPsql: boolean;
}

export function formatBanner({ system, schema, hasPsql }: BannerOptions): string {
  const query = `select id, email, first_name, last_name, status from ${schema}.users`;
  return `
clerk-sync runs. Ctrl-C stops it.

  endpoint        ${system.endpoint}
  signing secret  ${system.signingSecret}
  database        ${system.databaseUrl}
  queue           ${system.redisUrl === null ? 'in Postgres (for Redis, set REDIS_URL)' : 'in Redis (REDIS_URL)'}
  board           ${system.boardUrl ?? 'none'}

Try it, in a second terminal:

  npm run send -- user.created

and see the row:

  ${hasPsql ? showWithPsql(system.databaseUrl, query) : showWithNode(system.databaseUrl, query)}
`;
}

function showWithPsql(url: string, query: string): string {
  return `psql '${url}' -c '${query}'`;
}

function showWithNode(url: string, query: string): string {
  return `node -e "new (require('pg').Pool)({ connectionString: '${url}', allowExitOnIdle: true }).query('${query}').then((r) => console.table(r.rows))"`;
}
