/** Sends load from a process of its own, so that what it costs is not hidden in ours. */
import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { toJavaScript } from '../../tests/support/build.js';
import { findBuild } from '../processes.js';
import { type FromLoad, type LoadOptions, type LoadResult, type ToLoad } from './contract.js';

export interface PreparedLoad {
  /** Resolves once everything is sent and answered. */
  start: () => Promise<LoadResult>;
  /** Sends nothing more; `start` resolves once what was sent is answered. */
  stop: () => void;
}

export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const load = await prepareLoad(options);
  return load.start();
}

/** Resolves once every request is made and signed. The process ends with its load, and with ours. */
export async function prepareLoad(options: LoadOptions): Promise<PreparedLoad> {
  const child = fork(path.join(await findBuild(), toJavaScript('bench/load/load-process.ts')), {
    execArgv: [],
    env: { PATH: process.env['PATH'], NODE_ENV: 'production' },
  });
  const tell = (message: ToLoad) => void child.send(message);
  const ready = waitFor(child, 'ready');
  tell({ kind: 'prepare', options });
  await ready;
  return {
    start: async () => {
      const finished = waitFor(child, 'finished');
      tell({ kind: 'start' });
      const { result } = await finished;
      child.disconnect();
      return result;
    },
    stop: () => {
      if (child.connected) tell({ kind: 'stop' });
    },
  };
}

/** @throws Error when the process fails or ends instead. */
function waitFor<K extends 'ready' | 'finished'>(
  child: ChildProcess,
  kind: K,
): Promise<Extract<FromLoad, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      child.off('message', read).off('exit', end);
      act();
    };
    const read = (message: FromLoad) => {
      if (message.kind === 'failed') settle(() => reject(new Error(message.reason)));
      else if (isOfKind(message, kind)) settle(() => resolve(message));
    };
    const end = (code: number | null) =>
      settle(() => reject(new Error(`The process that sends ended with ${code ?? 'a signal'}.`)));
    child.on('message', read).on('exit', end);
  });
}

function isOfKind<K extends FromLoad['kind']>(
  message: FromLoad,
  kind: K,
): message is Extract<FromLoad, { kind: K }> {
  return message.kind === kind;
}
