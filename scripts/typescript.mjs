// `node --import ./scripts/typescript.mjs FILE.ts`: one process that runs TypeScript, with the Prisma client generated first.
import { generateClient } from './generate-client.mjs';

try {
  generateClient();
  await import('tsx');
} catch (error) {
  if (error.code !== 'ENOENT' && error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.error(
    `What runs TypeScript is not installed (${error.message}). Run npm ci --include=dev; or, in production, what npm run build has made: ./run.mjs NAME.`,
  );
  process.exit(1);
}
