/** Open loop: every request has its time, and its latency counts from then on, so that a slow answer cannot hide those that wait behind it. */
import { Worker } from 'node:worker_threads';
import { seededRandom } from '../../src/clerk/samples/index.js';
import { type Pool } from './connection-pool.js';
import { monotonicMs } from './monotonic-ms.js';
import { type AnswerRecord } from './record-answers.js';
import { type Request } from './requests.js';

export interface Sending {
  requests: readonly Request[];
  pool: Pool;
  record: AnswerRecord;
  /** Once aborted, nothing more is sent. */
  signal: AbortSignal;
}

/** Until the thread that keeps time is there. */
const HEAD_START_MS = 300;

/** Resolves once all is answered that was sent. */
export async function sendPaced(
  perSecond: number,
  { requests, pool, record, signal }: Sending,
): Promise<void> {
  if (requests.length === 0) return;
  const due = drawTimes(requests.length, perSecond);
  const timekeeper = new Worker(new URL('./timekeeper.js', import.meta.url), { workerData: due });
  let sent = 0;
  let answered = 0;
  await new Promise<void>((resolve, reject) => {
    const finish = () => {
      if (answered === sent && (signal.aborted || sent === requests.length)) resolve();
    };
    // One message for each request, in order: it is due now.
    timekeeper.on('message', () => {
      const index = sent;
      const request = requests[index];
      if (!request || signal.aborted) return;
      sent += 1;
      record.sent(index, due[index] ?? NaN, monotonicMs());
      pool.send(request, (status) => {
        record.answered(index, status, monotonicMs());
        answered += 1;
        finish();
      });
    });
    timekeeper.on('error', reject);
    signal.addEventListener('abort', finish);
  });
  await timekeeper.terminate();
}

/** In memory that the thread shares. The same pauses in each run of as many requests at the same pace. */
function drawTimes(count: number, perSecond: number): Float64Array {
  const random = seededRandom(`arrivals ${count} ${perSecond}`);
  const due = new Float64Array(new SharedArrayBuffer(count * Float64Array.BYTES_PER_ELEMENT));
  let time = monotonicMs() + HEAD_START_MS;
  for (let index = 0; index < count; index += 1) {
    time -= (Math.log(1 - random()) * 1000) / perSecond;
    due[index] = time;
  }
  return due;
}
