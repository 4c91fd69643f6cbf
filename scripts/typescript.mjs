// `node --import ./scripts/typescript.mjs FILE.ts`: one process that runs TypeScript, with the Prisma client generated first.
import { generateClient } from './generate-client.mjs';

generateClient();
await import('tsx');
