/** One attempt of one handler, with an end: it is over when the time is, whether or not the function heeds its signal. */

export interface AttemptBounds {
  timeoutSeconds: number;
  /** Aborted when the worker can wait no longer. */
  stopping: AbortSignal;
}

/** The worker stopped first: nobody's failure. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** @throws what `work` throws; an Error that says so when it takes too long; Interrupted. */
export async function attempt(
  work: (signal: AbortSignal) => Promise<void>,
  { timeoutSeconds, stopping }: AttemptBounds,
): Promise<void> {
  if (stopping.aborted) throw new Interrupted('The worker stops.');
  const controller = new AbortController();
  const { signal } = controller;
  const interrupt = () => controller.abort(new Interrupted('The worker stops.'));
  const timer = setTimeout(() => {
    controller.abort(new Error(`It took longer than HANDLER_TIMEOUT (${timeoutSeconds} s).`));
  }, timeoutSeconds * 1000);
  stopping.addEventListener('abort', interrupt, { once: true });
  try {
    const over = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }); // one of the two above
    });
    // A function that throws before it returns a promise fails like any other.
    await Promise.race([over, (async () => work(signal))()]);
  } catch (error) {
    // Whoever heeds the signal rejects with something of their own.
    throw signal.aborted ? signal.reason : error;
  } finally {
    clearTimeout(timer);
    stopping.removeEventListener('abort', interrupt);
  }
}
