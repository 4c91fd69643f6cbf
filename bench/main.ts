/** `npm run bench`. */
import { runProgram } from './run-program.js';
import { SCENARIOS } from './scenarios/index.js';

process.exitCode = await runProgram(process.argv.slice(2), SCENARIOS);
