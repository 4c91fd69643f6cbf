/** How many workers hold a connection to the queue, on whatever machine. */
import { type AnyOpenQueue } from './contract.js';

/** @returns null when the store keeps its list of connections to itself, as some that are managed by others do. */
export async function countWorkers({ queue }: Pick<AnyOpenQueue, 'queue'>): Promise<number | null> {
  try {
    const clients = await queue.getWorkers();
    // BullMQ's answer for a store that knows no such list is one entry without a connection's own fields.
    return clients.some((client) => client['rawname'] === undefined) ? null : clients.length;
  } catch (error) {
    if (isRefusal(error)) return null;
    throw error;
  }
}

/** NOPERM of an access control list, ERR of a command that was renamed away. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && /^(?:NOPERM|ERR unknown command)/.test(error.message);
}
