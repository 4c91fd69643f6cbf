import { type Command } from './command.js';
import { doctorCommand } from './doctor.js';
import { eraseCommand } from './erase.js';
import { forgetCommand } from './forget.js';
import { migrateCommand } from './migrate.js';
import { pruneCommand } from './prune.js';
import { replayCommand } from './replay.js';
import { sendCommand } from './send.js';
import { whyCommand } from './why.js';

/** Every command by the name it has after `npm run`. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  doctor: doctorCommand,
  erase: eraseCommand,
  forget: forgetCommand,
  migrate: migrateCommand,
  prune: pruneCommand,
  replay: replayCommand,
  send: sendCommand,
  why: whyCommand,
};
