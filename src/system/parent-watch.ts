/** Notices that npm is gone: it runs us through a shell that dies of a SIGTERM without passing it on, and outlives a SIGKILL of npm. */
import { identifyProcess } from './process-identity.js';

const WATCH_INTERVAL_MS = 250;
const SHELL = /^(?:ba|da|k|z)?sh$/;

/** Calls `handler` once, when npm or the shell between it and us has ended. */
export function onNpmGone(handler: () => void): void {
  const parent = process.ppid;
  const shell = identifyProcess(parent);
  const npm = shell && SHELL.test(shell.program) ? shell.parentPid : undefined;
  const timer = setInterval(() => {
    const isNpmThere = npm === undefined || identifyProcess(npm) !== undefined;
    if (process.ppid === parent && isNpmThere) return;
    clearInterval(timer);
    handler();
  }, WATCH_INTERVAL_MS).unref();
}
