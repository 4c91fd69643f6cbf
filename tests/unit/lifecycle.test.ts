/** A stop in order: what closes when, and with which exit code, in real processes that are really told to stop. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { pino } from 'pino';
import { closeAll, type Closable } from '../../src/lifecycle.js';

const ROOT = path.resolve(import.meta.dirname, '../..');

describe('closing', () => {
  let closed: string[];
  let logged: string[];
  beforeEach(() => {
    closed = [];
    logged = [];
    import.meta.jest.useFakeTimers();
  });
  afterEach(() => {
    import.meta.jest.useRealTimers();
  });

  const logger = pino({ base: null }, { write: (line: string) => logged.push(line) });
  const resource = (name: string, close = async () => {}): Closable => ({
    name,
    close: async () => {
      await close();
      closed.push(name);
    },
  });
  const never = () => new Promise<void>(() => {});

  test('goes in the reverse order of opening, one after the other', async () => {
    const later = () => new Promise<void>((resolve) => setTimeout(resolve, 100));
    const resources = [resource('first'), resource('second', later), resource('third')];
    const closing = closeAll(resources, { withinMs: 1_000, logger });
    await import.meta.jest.advanceTimersByTimeAsync(0);
    expect(closed).toEqual(['third']);
    await import.meta.jest.advanceTimersByTimeAsync(100);
    expect(await closing).toEqual([]);
    expect(closed).toEqual(['third', 'second', 'first']);
    expect(logged).toEqual([]);
  });

  test.each([
    ['rejects', async () => Promise.reject(new Error('refused'))],
    [
      'throws',
      () => {
        throw new Error('refused');
      },
    ],
  ])('one that %s is told of, and does not keep the others open', async (_how, close) => {
    const resources = [resource('first'), { name: 'second', close }, resource('third')];
    expect(await closeAll(resources, { withinMs: 1_000, logger })).toEqual([]);
    expect(closed).toEqual(['third', 'first']);
    expect(logged.join()).toMatch(/"resource":"second","msg":"could not close cleanly"/);
  });

  test('those that hang leave the others time to close, and are named, all before the deadline', async () => {
    const slow = () => new Promise<void>((resolve) => setTimeout(resolve, 900));
    const resources = [
      resource('first', slow),
      resource('second', never),
      resource('third'),
      resource('fourth', never),
    ];
    const closing = closeAll(resources, { withinMs: 20_000, logger });
    await import.meta.jest.advanceTimersByTimeAsync(19_999);
    expect(await closing).toEqual(['fourth', 'second']);
    expect(closed).toEqual(['third', 'first']);
    expect(logged).toHaveLength(2);
    expect(logged[0]).toMatch(/"resource":"fourth","msg":"does not close in time/);
  });
});

describe('a process that is told to stop', () => {
  const stopped = (output: string) => output.split('\n').filter((line) => line.startsWith('>'));

  test.concurrent('is not ready first, then closes in reverse order, and ends with 0', async () => {
    const child = start(`close('first'); close('second');`);
    await child.says('up');
    child.kill('SIGTERM');
    expect(await child.ended).toBe(0);
    expect(stopped(child.output())).toEqual(['>stopping', '>second', '>first']);
  });

  test.concurrent('waits before it closes anything, when it is told to', async () => {
    const child = start(`close('first'); setInterval(() => aborted && print('works on'), 20)`, {
      delaySeconds: 1,
    });
    await child.says('up');
    child.kill('SIGTERM');
    expect(await child.ended).toBe(0);
    const said = stopped(child.output());
    expect([said[0], said[1], said.at(-1)]).toEqual(['>stopping', '>works on', '>first']);
  });

  test.concurrent('ends with 1 when something hangs, and has closed the rest', async () => {
    const child = start(`close('first'); close('second', hang); close('third');`);
    await child.says('up');
    child.kill('SIGTERM');
    expect(await child.ended).toBe(1);
    expect(stopped(child.output())).toEqual(['>stopping', '>third', '>first']);
    expect(child.output()).toMatch(/"resource":"second","msg":"does not close in time/);
  });

  test.concurrent('ends at once when it is told again', async () => {
    const child = start(`close('first'); close('second', hang);`, { graceSeconds: 3600 });
    await child.says('up');
    child.kill('SIGTERM');
    await child.says('>stopping');
    child.kill('SIGTERM');
    expect(await child.ended).toBe(1);
    expect(stopped(child.output())).toEqual(['>stopping']);
  });

  test.concurrent(
    'closes everything when an error was caught by nobody, and ends with 1',
    async () => {
      const child = start(`close('first'); setTimeout(() => { throw new Error('a defect') })`, {
        delaySeconds: 3599,
        graceSeconds: 3600,
      });
      expect(await child.ended).toBe(1);
      expect(stopped(child.output())).toEqual(['>stopping', '>first']);
      expect(child.output()).toMatch(/"message":"a defect"/);
    },
  );

  test.concurrent(
    'closes everything once when the process that started it is gone, told or not',
    async () => {
      const child = start(
        `close('first', async () => { print('closing'); await gone; await pause(300); });`,
        { graceSeconds: 3600 },
      );
      await child.says('up');
      child.kill('SIGTERM');
      await child.says('>stopping');
      child.disconnect();
      expect(await child.ended).toBe(0);
      expect(stopped(child.output())).toEqual(['>stopping', '>closing', '>first']);

      const orphan = start(`close('first');`);
      await orphan.says('up');
      orphan.disconnect();
      expect(await orphan.ended).toBe(0);
      expect(stopped(orphan.output())).toEqual(['>stopping', '>first']);
    },
  );
});

const children = new Set<ChildProcess>();

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

interface Limits {
  delaySeconds?: number;
  graceSeconds?: number;
}

/** A process that opens what `script` names. It prints a line when it is up, when it is not ready any more and when each is closed. */
function start(script: string, { delaySeconds = 0, graceSeconds = 2 }: Limits = {}) {
  const source = `
    import { closeOnSignal } from './src/lifecycle.ts';
    import { createLogger } from './src/logger.ts';
    const print = (text) => process.stdout.write('>' + text + '\\n');
    const resources = [];
    const close = (name, work = () => {}) =>
      resources.push({ name, close: async () => { await work(); print(name); } });
    const hang = () => new Promise(() => {});
    const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    const gone = new Promise((resolve) => process.once('disconnect', resolve));
    const stopping = new AbortController();
    let aborted = false;
    stopping.signal.addEventListener('abort', () => { aborted = true; print('stopping'); });
    setInterval(() => {}, 1000);
    ${script}
    closeOnSignal(resources, {
      stopping, delaySeconds: ${delaySeconds}, graceSeconds: ${graceSeconds},
      logger: createLogger('test', { level: 'info', format: 'json' }),
    });
    process.stdout.write('up\\n');`;
  const child = spawn(
    process.execPath,
    ['--import', './scripts/typescript.mjs', '--input-type=module', '--eval', source],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  );
  if (!child.stdout || !child.stderr) throw new Error('Its output is a pipe.');
  children.add(child);
  let output = '';
  let wake = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      wake();
    });
  }
  return {
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    disconnect: () => {
      child.disconnect();
    },
    output: () => output,
    says: async (text: string) => {
      while (!output.includes(text)) await new Promise<void>((resolve) => (wake = resolve));
    },
    // Its event 'close', for when all is read, does not come after `disconnect`.
    ended: Promise.all([once(child, 'exit'), once(child.stdout, 'end')]).then(
      ([[code]]) => code as number | null, // null after a signal
    ),
  };
}
