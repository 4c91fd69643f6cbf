import { backfillCommand } from './backfill.js';
import { type Command } from './command.js';
import { doctorCommand } from './doctor.js';
import { eraseCommand } from './erase.js';
import { forgetCommand } from './forget.js';
import { importCommand } from './import.js';
import { migrateCommand } from './migrate.js';
import { pruneCommand } from './prune.js';
import { reconcileCommand } from './reconcile.js';
import { replayCommand } from './replay.js';
import { roleCommand } from './role.js';
import { sendCommand } from './send.js';
import { whyCommand } from './why.js';

/** Every command by the name it has after `npm run`. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  backfill: backfillCommand,
  doctor: doctorCommand,
  erase: eraseCommand,
  forget: forgetCommand,
  import: importCommand,
  migrate: migrateCommand,
  prune: pruneCommand,
  reconcile: reconcileCommand,
  replay: replayCommand,
  role: roleCommand,
  send: sendCommand,
  why: whyCommand,
};
