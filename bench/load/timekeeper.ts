/** A thread that says when: a timer of the event loop is a millisecond late, and spinning would take the core from what is measured. */
import { parentPort, workerData } from 'node:worker_threads';
import { monotonicMs } from './monotonic-ms.js';

const due = workerData as Float64Array; // what send-paced.ts hands over: by monotonicMs(), ascending
const nothing = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

for (const time of due) {
  const waitMs = time - monotonicMs();
  if (waitMs > 0) Atomics.wait(nothing, 0, 0, waitMs);
  parentPort?.postMessage(null);
}
