/** How far long work has come: one line that is written over on a terminal, a line now and then elsewhere. On stderr, so that output stays clean. */

const TERMINAL_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 10_000;
const BAR_WIDTH = 24;

export interface ProgressOptions {
  label: string;
  /** Null: unknown. */
  total: number | null;
  /** What an earlier run had done: it counts, and not for the rate. */
  already?: number;
  write: (text: string) => void;
  isTerminal: boolean;
  now?: () => number;
}

export interface Progress {
  /** @param done how much is done by now, in all. */
  show: (done: number) => void;
  /** Takes the line away from a terminal. */
  end: () => void;
}

export function createProgress(options: ProgressOptions): Progress {
  const { write, isTerminal, now = Date.now } = options;
  const startedAt = now();
  let shownAt = isTerminal ? -Infinity : startedAt;
  return {
    show(done) {
      if (now() - shownAt < (isTerminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS)) return;
      shownAt = now();
      const line = format(options, done, (shownAt - startedAt) / 1000);
      write(isTerminal ? `\r${line}\u001b[K` : `${line}\n`);
    },
    end() {
      if (isTerminal && shownAt > -Infinity) write('\r\u001b[K');
    },
  };
}

function format(
  { label, total, already = 0 }: ProgressOptions,
  done: number,
  seconds: number,
): string {
  const rate = seconds > 0 ? (done - already) / seconds : 0;
  const speed = `${Math.round(rate)}/s`;
  if (total === null) return `${label}: ${done}, ${speed}`;
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`;
  const left = rate > 0 ? `, ${formatDuration((total - done) / rate)} left` : '';
  return `${label} ${bar} ${Math.floor(share * 100)} %, ${done} of ${total}, ${speed}${left}`;
}

function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.ceil(whole / 60)} min`;
  return `${Math.floor(whole / 3600)} h ${Math.ceil((whole % 3600) / 60)} min`;
}
