import { SyncError } from '../../src/errors.js';
import { createSupervisor, type Part } from '../../src/system/supervisor.js';
import { type Terminal } from '../../src/system/terminal.js';

interface Rehearsal {
  events: string[];
  supervisor: ReturnType<typeof createSupervisor>;
  makePart: (name: string, more?: Partial<Part>) => Part;
}

function rehearse(): Rehearsal {
  const events: string[] = [];
  const terminal: Terminal = {
    colour: false,
    print: () => undefined,
    note: () => undefined,
    complain: (text) => events.push(text),
    relay: () => undefined,
  };
  const makePart = (name: string, more: Partial<Part> = {}): Part => ({
    name,
    stop: () => void events.push(`stop ${name}`),
    kill: () => void events.push(`kill ${name}`),
    ...more,
  });
  return { events, supervisor: createSupervisor(terminal), makePart };
}

test('a stop closes in reverse order, and the exit code is 0', async () => {
  const { events, supervisor, makePart } = rehearse();
  const code = await supervisor.run(async ({ keep }) => {
    for (const name of ['a', 'b', 'c']) keep(makePart(name));
    supervisor.stop();
  });
  expect(events).toEqual(['stop c', 'stop b', 'stop a']);
  expect(code).toBe(0);
});

test('a start that fails says why before it closes what it had opened, with the error’s exit code', async () => {
  const { events, supervisor, makePart } = rehearse();
  const code = await supervisor.run(async ({ keep }) => {
    keep(makePart('a'));
    throw new SyncError('config.invalid', 'wrong');
  });
  expect(events).toEqual(['wrong', 'stop a']);
  expect(code).toBe(2);
});

test('a stop in the middle of the start opens nothing more, and is no failure', async () => {
  const { events, supervisor, makePart } = rehearse();
  const code = await supervisor.run(async ({ keep }) => {
    keep(makePart('a'));
    supervisor.stop();
    keep(makePart('b'));
    keep(makePart('never'));
  });
  expect(events).toEqual(['stop b', 'stop a']);
  expect(code).toBe(0);
});

test('a part that dies stops the others', async () => {
  const { events, supervisor, makePart } = rehearse();
  const code = await supervisor.run(async ({ keep }) => {
    keep(makePart('a'));
    keep(makePart('b', { ended: Promise.resolve('was killed by SIGKILL') }));
  });
  expect(events).toEqual(['b was killed by SIGKILL. Stopping the rest.', 'stop b', 'stop a']);
  expect(code).toBe(1);
});

test('a part that does not stop cleanly keeps no other open, and the exit code tells', async () => {
  const { events, supervisor, makePart } = rehearse();
  const code = await supervisor.run(async ({ keep }) => {
    keep(makePart('a'));
    keep(makePart('b', { stop: () => Promise.reject(new SyncError('work.failed', 'b hangs')) }));
    supervisor.stop();
  });
  expect(events).toEqual(['b hangs', 'stop a']);
  expect(code).toBe(1);
});

test('a kill waits for nothing', async () => {
  const { events, supervisor, makePart } = rehearse();
  const code = supervisor.run(async ({ keep }) => {
    keep(makePart('a'));
    keep(makePart('b'));
  });
  supervisor.kill();
  expect(events).toEqual(['kill b', 'kill a']);
  supervisor.stop();
  await code;
});
