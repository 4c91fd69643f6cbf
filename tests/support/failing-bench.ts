/** `npm run bench` with one scenario, in which one contender's figures are void and another's program crashes. */
import { VoidFigure } from '../../bench/contract.js';
import { startNode } from '../../bench/processes.js';
import { runProgram } from '../../bench/run-program.js';

process.exitCode = await runProgram(process.argv.slice(2), [
  {
    name: 'failing',
    title: 'A scenario that fails',
    unit: 'rows',
    description: '',
    comparisons: [],
    open: async (bench) => {
      const database = await bench.createDatabase('failing');
      return {
        contenders: {
          sound: async () => ({ value: (await database.query('SELECT 1')).length }),
          incorrect: () => {
            throw new VoidFigure('7 rows are missing');
          },
          crashing: async () => {
            const { ready } = await startNode('src/worker.ts', {});
            await ready;
            return { value: 1 };
          },
        },
        close: () => database.drop(),
      };
    },
  },
]);
