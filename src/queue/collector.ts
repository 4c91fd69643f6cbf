/** Gathers single items into batches: one job, one result, one retry, yet one transaction for hundreds. */

export interface CollectorOptions<T, R> {
  /** Same length and order as the items. A rejection is every item's. */
  apply: (items: readonly T[]) => Promise<readonly R[]>;
  maxSize: number;
  maxInFlight: number;
  /** Which of those that wait go first; by default those that came first. */
  order?: 'arrival' | 'random';
}

/** @returns a function that resolves with the item's own result. */
export function createCollector<T, R>({
  apply,
  maxSize,
  maxInFlight,
  order = 'arrival',
}: CollectorOptions<T, R>): (item: T) => Promise<R> {
  interface Pending {
    item: T;
    resolve: (result: R) => void;
    reject: (reason: unknown) => void;
  }
  const waiting: Pending[] = [];
  let inFlight = 0;
  let isScheduled = false;

  const run = async (batch: Pending[]) => {
    inFlight++;
    try {
      const results = await apply(batch.map(({ item }) => item));
      for (const [index, { resolve, reject }] of batch.entries()) {
        const result = results[index];
        if (result === undefined) reject(new Error('The batch returned no result for this item.'));
        else resolve(result);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      inFlight--;
      schedule();
    }
  };
  const flush = () => {
    isScheduled = false;
    while (waiting.length > 0 && inFlight < maxInFlight) {
      const first = order === 'random' ? Math.floor(Math.random() * waiting.length) : 0;
      void run(waiting.splice(first, maxSize));
    }
  };
  // The next turn of the event loop: by then all that came with one read of the socket is here.
  const schedule = () => {
    if (isScheduled || waiting.length === 0) return;
    isScheduled = true;
    setImmediate(flush);
  };
  return (item) =>
    new Promise<R>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      schedule();
    });
}
