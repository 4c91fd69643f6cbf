/** A queue as Bull Board gets to see it: whatever route asks, what is somebody's is masked already. */
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { type BaseAdapter } from '@bull-board/api/baseAdapter';
import { MASK } from '../masking.js';
import { type AnyOpenQueue } from '../queue/contract.js';
import { showJob } from './board-job.js';

/** A page is read whole, and an event may be as large as BODY_LIMIT. */
const LONGEST_PAGE = 100;

export function showQueue(open: AnyOpenQueue): BaseAdapter {
  const { queue } = open;
  return Object.assign(new BullMQAdapter(queue), {
    async getJob(id: string) {
      const job = await queue.getJob(id);
      return job && showJob(open, job);
    },
    async getJobs(states: Parameters<typeof queue.getJobs>[0], start = 0, end = -1) {
      const last = start + LONGEST_PAGE - 1;
      const jobs = await queue.getJobs(states, start, end < 0 ? last : Math.min(end, last));
      // A set may hold an id whose job is gone.
      return (jobs as ((typeof jobs)[number] | undefined)[]).flatMap((job) =>
        job ? [showJob(open, job)] : [],
      );
    },
    // We write no logs and have no schedulers and flows. Somebody else's would be shown as they are.
    getJobLogs: async (id: string) => (await queue.getJobLogs(id)).logs.map(() => MASK),
    getJobSchedulers: async () => [],
    getJobSchedulersCount: async () => 0,
    getFlowProducer: async () => null,
  });
}
