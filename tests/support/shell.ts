/** A terminal in a folder: commands as a person types them, with nothing of this process's environment but what finds programs and caches. */
import { spawn } from 'node:child_process';

/** npm keeps packages under HOME; the proxies and the registry are those of the machine. */
const PASSED_ON = ['PATH', 'HOME', 'CI'];

export interface Shell {
  /** Added to the environment of all that runs; may be changed. */
  settings: Record<string, string>;
  /** @returns what was printed on stdout. @throws with all that was printed, when the exit code is another than 0. */
  run: (file: string, args: readonly string[], input?: string) => Promise<string>;
  type: (text: string) => Promise<string>;
  /** For what goes on until it is stopped. */
  open: (text: string) => Opened;
  /** Nothing may outlive its test. */
  close: () => Promise<void>;
}

export interface Opened {
  /** All that was printed so far, on both streams. */
  output: () => string;
  hasEnded: () => boolean;
  /** Ctrl-C: to the whole group, as a terminal sends it. */
  interrupt: () => void;
  ended: Promise<void>;
}

const BASH = ['-euo', 'pipefail', '-c'];

export function createShell(directory: string): Shell {
  const settings: Record<string, string> = {};
  const opened = new Map<Opened, number>();
  const passedOn = Object.fromEntries(PASSED_ON.map((name) => [name, process.env[name]]));
  const options = () => ({ cwd: directory, env: { ...passedOn, ...settings } });
  const run: Shell['run'] = async (file, args, input) => {
    const child = spawn(file, args, {
      ...options(),
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin?.end(input);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code === 0) return stdout;
    throw new Error(`${file} ${args.join(' ')} ended with ${code}\n${stdout}${stderr}`);
  };
  return {
    settings,
    run,
    type: (text) => run('bash', [...BASH, text]),
    open(text) {
      const child = spawn('bash', [...BASH, text], {
        ...options(),
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      let [output, hasEnded] = ['', false];
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const ended = new Promise<void>((resolve) => {
        child.once('close', () => {
          hasEnded = true;
          resolve();
        });
      });
      const pid = child.pid ?? 0;
      const one: Opened = {
        output: () => output,
        hasEnded: () => hasEnded,
        interrupt: () => signalGroup(pid, 'SIGINT'),
        ended,
      };
      opened.set(one, pid);
      return one;
    },
    async close() {
      for (const [one, pid] of opened) if (!one.hasEnded()) signalGroup(pid, 'SIGKILL');
      await Promise.all([...opened.keys()].map(({ ended }) => ended));
    },
  };
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    if (pid > 0) process.kill(-pid, signal);
  } catch {
    // gone by itself meanwhile
  }
}
