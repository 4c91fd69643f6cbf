import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 25;

/** Polls until `condition` gives something truthy, and returns it. Fails with what was waited for. */
export async function waitFor<T>(
  what: string,
  condition: () => Promise<T> | T,
  timeoutMs = 20_000,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}.`);
    await sleep(POLL_MS);
  }
}
