/** `npm start`: the whole system on one machine, every part a process of its own. */
import path from 'node:path';
import { readEnvironment } from './environment.js';
import { runMain } from './lifecycle.js';
import { formatBanner } from './system/banner.js';
import { checkRedis } from './system/check-redis.js';
import { startChild } from './system/child-process.js';
import { CHILDREN, createChildEnvironment } from './system/children.js';
import { holdDataDir } from './system/data-dir.js';
import { startEmbeddedPostgres } from './system/embedded-postgres.js';
import { hasProgram } from './system/find-program.js';
import { onNpmGone } from './system/parent-watch.js';
import { claimPorts } from './system/ports.js';
import { prepareDatabase } from './system/prepare-database.js';
import { waitUntilReady } from './system/readiness.js';
import { readOrCreateSigningSecret } from './system/signing-secret.js';
import { onStopSignals } from './system/stop-signals.js';
import { createSupervisor } from './system/supervisor.js';
import { readSystemConfig } from './system/system-config.js';
import { describeSystem, removeSystemFile, writeSystemFile } from './system/system-file.js';
import { createTerminal } from './system/terminal.js';

await runMain(async () => {
  const environment = readEnvironment(process.env, process.cwd());
  const config = readSystemConfig(environment);
  const isTerminal = process.stdout.isTTY;
  const terminal = createTerminal(process, isTerminal && !environment['NO_COLOR']);
  const supervisor = createSupervisor(terminal);
  onStopSignals({
    first: supervisor.stop,
    again: () => {
      supervisor.kill();
      process.exit(1);
    },
  });
  if (environment['npm_lifecycle_event']) onNpmGone(supervisor.stop);
  const exitCode = await supervisor.run(async ({ keep, stopping }) => {
    const directory = path.resolve(config.DATA_DIR);
    const graceSeconds = config.SHUTDOWN_GRACE;
    const { isLeftOver } = keep(holdDataDir(directory));
    removeSystemFile(directory);
    terminal.note(`starting; all of it is kept in ${directory}`);
    const ports = await claimPorts({ config, isLeftOver, terminal, stopping });
    if (config.REDIS_URL) await checkRedis(config);
    const signingSecret = config.signingSecrets[0] ?? readOrCreateSigningSecret(directory);
    const databaseUrl =
      config.DATABASE_URL ??
      keep(await startEmbeddedPostgres({ directory, stopTimeoutSeconds: graceSeconds })).url;
    await prepareDatabase(databaseUrl, config);

    const facts = { environment, config, ports, databaseUrl, signingSecret, isTerminal };
    const childEnvironment = createChildEnvironment(facts);
    for (const { name, file } of CHILDREN) {
      keep(startChild({ name, file, environment: childEnvironment, graceSeconds, terminal }));
    }
    const system = describeSystem(facts);
    await waitUntilReady(system.opsUrls, stopping);
    keep(writeSystemFile(directory, system));
    const hasPsql = hasProgram('psql', environment['PATH']);
    terminal.print(formatBanner({ system, schema: config.DATABASE_SCHEMA, hasPsql }));
  });
  process.exit(exitCode);
});
