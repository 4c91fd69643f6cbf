/** Closed loop: as fast as the answers come. Tells how much is taken; how long one takes follows from how many are under way. */
import { monotonicMs } from './monotonic-ms.js';
import { type Sending } from './send-paced.js';

/** Resolves once all is answered. */
export async function sendSaturating(
  connections: number,
  { requests, pool, record, signal }: Sending,
): Promise<void> {
  let sent = 0;
  const sendOnAndOn = (): Promise<void> =>
    new Promise((resolve) => {
      const sendNext = () => {
        const index = sent;
        const request = requests[index];
        if (!request || signal.aborted) {
          resolve();
          return;
        }
        sent += 1;
        const now = monotonicMs();
        record.sent(index, now, now);
        pool.send(request, (status) => {
          record.answered(index, status, monotonicMs());
          sendNext();
        });
      };
      sendNext();
    });
  await Promise.all(Array.from({ length: connections }, sendOnAndOn));
}
