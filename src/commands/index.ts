import { type Command } from './command.js';
import { migrateCommand } from './migrate.js';
import { sendCommand } from './send.js';

/** Every command by the name it has after `npm run`. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  migrate: migrateCommand,
  send: sendCommand,
};
