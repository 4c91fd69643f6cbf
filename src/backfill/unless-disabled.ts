import { isSyncError } from '../errors.js';

/** An instance without organizations has no list of them: nothing is wrong. @returns null, or why there is no list. */
export async function unlessDisabled(work: () => Promise<void>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (isSyncError(error, 'clerk.disabled')) return error.message;
    throw error;
  }
}
