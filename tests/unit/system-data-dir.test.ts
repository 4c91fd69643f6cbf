import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { holdDataDir } from '../../src/system/data-dir.js';
import { identifyProcess } from '../../src/system/process-identity.js';
import { readOrCreateSigningSecret } from '../../src/system/signing-secret.js';

let directory: string;
let lock: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'clerk-sync-data-dir-'));
  lock = path.join(directory, 'system.lock');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

test('a folder is made, held, and free again after', () => {
  const held = holdDataDir(path.join(directory, 'deep/er'));
  expect(held.isLeftOver).toBe(false);
  held.stop();
  expect(holdDataDir(held.directory).isLeftOver).toBe(false);
});

test('the lock of a living process refuses a second, and stays', () => {
  const parent = identifyProcess(process.ppid);
  writeFileSync(lock, JSON.stringify(parent));
  expect(() => holdDataDir(directory)).toThrow(`process ${process.ppid}`);
  expect(existsSync(lock)).toBe(true);
});

test.each([
  ['of a process that is gone', JSON.stringify({ pid: 2 ** 22 + 1, startedAt: 'once' })],
  [
    'of a pid that another process has now',
    JSON.stringify({ pid: process.ppid, startedAt: 'once' }),
  ],
  ['of our own pid, from a container’s earlier life', JSON.stringify({ pid: process.pid })],
  ['that was never written to its end', '{"pid":'],
])('a lock %s is taken over', (_case, text) => {
  writeFileSync(lock, text);
  expect(holdDataDir(directory).isLeftOver).toBe(true);
});

test('a folder that cannot be made names the variable', () => {
  writeFileSync(lock, '');
  expect(() => holdDataDir(path.join(lock, 'below'))).toThrow(/^DATA_DIR: .*Set DATA_DIR to/);
});

test('the generated secret is Clerk’s in form, private, and the same the next time', () => {
  const secret = readOrCreateSigningSecret(directory);
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(readOrCreateSigningSecret(directory)).toBe(secret);
  expect(statSync(path.join(directory, 'signing-secret')).mode & 0o777).toBe(0o600);
});
