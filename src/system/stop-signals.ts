/** Signals that ask for a stop. The first closes in order, the second is impatient. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** One Ctrl-C arrives twice under `npm start`: from the terminal, and again from npm, which passes it on. */
const ECHO_MS = 300;

export interface StopHandlers {
  first: () => void;
  again: () => void;
}

export function onStopSignals({ first, again }: StopHandlers): void {
  let askedAt: number | undefined;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (askedAt === undefined) first();
      else if (Date.now() - askedAt > ECHO_MS) again();
      askedAt ??= Date.now();
    });
  }
  // Whoever read our output is gone, as in `npm start | head`; unhandled, the error would end us in disorder.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', first);
}
