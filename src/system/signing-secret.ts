/** A signing secret for those who have none of Clerk's yet; of the same form, so that all that works with it works with Clerk's. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { readOrCreatePrivateFile } from './private-file.js';

const SECRET_BYTES = 32;

export function readOrCreateSigningSecret(dataDir: string): string {
  return readOrCreatePrivateFile(
    path.join(dataDir, 'signing-secret'),
    () => `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`,
  );
}
