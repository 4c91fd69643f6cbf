/** `npm run doctor`: looks at everything that clerk-sync needs, and says how to mend what is wrong. Changes nothing. */
import { SyncError } from '../errors.js';
import { readArguments, type Command } from './command.js';
import { CHECKS } from './doctor/checks.js';
import { examine } from './doctor/examine.js';
import { type Finding } from './doctor/finding.js';
import { formatExamined, formatSummary } from './doctor/format.js';
import { admit } from './doctor/patient.js';
import { describeTerminal } from './terminal.js';

const USAGE = `Usage: npm run doctor [-- --json]
Checks configuration, database, queue, clocks, processes and the last events, and says how to mend what is wrong. Changes nothing.
  --json             {ok, checks: [{name, status, found, cure}]}; without npm's own words by npm run --silent doctor -- --json
Marks: ✔ well, ! a warning, ✘ wrong, - not asked. Exit code 1 when something is wrong.`;

export const doctorCommand: Command = {
  usage: USAGE,
  async run(args, { environment, print }) {
    const options = { json: { type: 'boolean', default: false } } as const;
    const { values, positionals } = readArguments(args, options, USAGE);
    if (positionals[0] !== undefined) {
      throw new SyncError('usage.invalid', `"${positionals[0]}" is too much.\n${USAGE}`);
    }
    const nameWidth = Math.max(...CHECKS.map(({ name }) => name.length));
    const layout = { ...describeTerminal(environment), nameWidth };
    const all: (Finding & { name: string })[] = [];
    const patient = await admit(environment);
    try {
      for await (const { name, findings } of examine(patient, CHECKS)) {
        all.push(...findings.map((finding) => ({ name, ...finding })));
        if (!values.json) formatExamined({ name, findings }, layout).forEach(print);
      }
    } finally {
      await patient.dismiss();
    }
    const isWell = all.every(({ status }) => status !== 'bad');
    if (values.json) print(JSON.stringify({ ok: isWell, checks: all }, null, 2));
    else print(`\n${formatSummary(all)}`);
    return isWell ? 0 : 1;
  },
};
