/** `npm run <command>`: finds the command, runs it, turns what it throws into one message and an exit code. */
import { COMMANDS } from './commands/index.js';
import { loadEnvironment } from './environment.js';
import { SyncError } from './errors.js';
import { runMain } from './lifecycle.js';
import { readHandlers } from './outbox/read-handlers.js';

await runMain(async () => {
  const [name = '', ...args] = process.argv.slice(2);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    throw new SyncError(
      'usage.invalid',
      `There is no command "${name}". Choose among ${Object.keys(COMMANDS).join(', ')}.`,
    );
  }
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${command.usage}\n`);
    return;
  }
  const exitCode = await command.run(args, {
    environment: loadEnvironment(process.env, process.cwd()),
    loadHandlers: async () => readHandlers((await import('./handlers/index.js')).HANDLERS),
    print: (line) => process.stdout.write(`${line}\n`),
    writeProgress: (text) => process.stderr.write(text),
    isTerminal: process.stderr.isTTY,
  });
  // Not left to the event loop: Prisma's engine keeps a ten-second timer after its work is done. What is still on its way into a
  // pipe would be lost by an exit.
  process.stdout.write('', () => process.exit(exitCode));
});
