/** For tests that run at the same time, where no afterEach runs: what each has opened is closed after the last of them. */
import { createDatabase, type TestDatabase } from './database.js';
import { killAll } from './processes.js';

const closing: (() => unknown)[] = [];

/** For afterAll. Processes end first, then what was opened last. */
export async function closeAll(): Promise<void> {
  await killAll();
  for (const close of closing.splice(0).reverse()) await close();
}

export function closeLater(close: () => unknown): void {
  closing.push(close);
}

export async function openDatabase(): Promise<TestDatabase> {
  const database = await createDatabase();
  closeLater(database.drop);
  return database;
}
