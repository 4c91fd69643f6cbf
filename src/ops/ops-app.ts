/** What a platform asks a process: is it alive, is it ready and if not, why, and how does it fare. Binds to loopback unless told otherwise. */
import express, { type Express } from 'express';
import { type Metrics } from '../metrics.js';

/** Resolves with null when ready, else with the reason. A rejection counts as not ready. */
export type CheckReadiness = () => Promise<string | null>;

/** A check that hangs is an answer, too. */
const CHECK_TIMEOUT_MS = 3_000;

export function createOpsApp(checkReadiness: CheckReadiness, metrics: Metrics): Express {
  const app = express();
  app.disable('x-powered-by');
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'alive' });
  });
  app.get('/readyz', async (_request, response) => {
    const reason = await askWithin(checkReadiness, CHECK_TIMEOUT_MS);
    if (reason === null) response.json({ status: 'ready' });
    else response.status(503).json({ status: 'not ready', reason });
  });
  metrics.onRead(async () => {
    const reason = await askWithin(checkReadiness, CHECK_TIMEOUT_MS);
    metrics.record('ready', reason === null ? 1 : 0, {});
  });
  app.get('/metrics', async (_request, response) => {
    const { text, contentType } = await metrics.read();
    response.set('Content-Type', contentType).send(text);
  });
  return app;
}

async function askWithin(check: CheckReadiness, timeoutMs: number): Promise<string | null> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const expired = new Promise<string>((resolve) => {
    timeout.addEventListener('abort', () => {
      resolve(`no answer within ${timeoutMs} ms`);
    });
  });
  const asked = check().catch((error: unknown) =>
    error instanceof Error ? error.message : String(error),
  );
  return Promise.race([asked, expired]);
}
