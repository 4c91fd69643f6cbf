/** A real HTTP server that answers as Clerk's Backend API does: keys, limits, pages, errors, and trouble on demand. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { isRecord } from '../../../src/record.js';
import { type Answer, Refusal } from './answers.js';
import { type JsonObject } from './collection.js';
import { createFaults, type FaultOptions, send } from './faults.js';
import { createInstance, type Instance, type InstanceEvent, type Size } from './instance.js';
import { createLimiter, type Limit } from './limits.js';
import { type UnknownCursor } from './lists.js';
import { type Route, ROUTES } from './routes.js';

export interface ClerkApiOptions {
  /** Default: one of a production instance. */
  secretKey?: string;
  instanceId?: string;
  /** Default: one that the system chooses. */
  port?: number;
  seed?: string;
  size?: Size;
  /** Default: what Clerk allows to a key of its kind, 1,000 or 100 in 10 s. */
  limit?: Limit;
  /** For `POST /users`, besides the other. Default: 20 in 10 s. */
  creationLimit?: Limit;
  unknownCursor?: UnknownCursor;
  /** What the instance tells by webhook. */
  onEvent?: (event: InstanceEvent) => void;
}

/** What the server has seen. */
export interface Counts {
  requests: number;
  /** By method and path, ids as `*`. */
  byRoute: Record<string, number>;
  /** Turned away with 429. */
  limited: number;
  /** The most requests within one window, those turned away not counted. */
  peak: number;
  apiVersions: string[];
}

export interface ClerkApiServer {
  url: string;
  secretKey: string;
  instance: Instance;
  counts: () => Counts;
  /** @returns what ends the fault. */
  fail: (fault: FaultOptions) => () => void;
  /** No connection stands and none comes about, until the second. */
  loseNetwork: () => Promise<void>;
  restoreNetwork: () => Promise<void>;
  stop: () => Promise<void>;
}

/** In parts, so that nobody takes it for a real one that was committed. */
const LIVE_KEY = ['sk', 'live', 'K'.repeat(40)].join('_');
const LIVE_LIMIT = { requests: 1000, windowMs: 10_000 };
const TEST_LIMIT = { requests: 100, windowMs: 10_000 };
const CREATION_LIMIT = { requests: 20, windowMs: 10_000 };

export async function startClerkApi(options: ClerkApiOptions = {}): Promise<ClerkApiServer> {
  const {
    secretKey = LIVE_KEY,
    instanceId = 'ins_2TheInstanceOfTheTests',
    seed = 'clerk',
  } = options;
  const { size = {}, onEvent = () => undefined, unknownCursor = 'refused' } = options;
  const isLive = secretKey.startsWith('sk_live_');
  const instance = createInstance({ id: instanceId, isLive, seed, size, onEvent });
  const limiter = createLimiter(options.limit ?? (isLive ? LIVE_LIMIT : TEST_LIMIT));
  const creations = createLimiter(options.creationLimit ?? CREATION_LIMIT);
  const faults = createFaults(seed);
  const byRoute: Record<string, number> = {};
  const apiVersions = new Set<string>();
  let requests = 0;

  const answer = async (message: IncomingMessage, response: ServerResponse) => {
    const { method = '', url = '' } = message;
    const body = await readBody(message);
    if (url === COUNTS_PATH) {
      send(response, { status: 200, text: JSON.stringify(counts()) });
      return;
    }
    const { pathname, searchParams: query } = new URL(url, 'http://localhost');
    const found = findRoute(method, pathname);
    requests++;
    byRoute[found?.name ?? 'unknown'] = (byRoute[found?.name ?? 'unknown'] ?? 0) + 1;
    apiVersions.add(message.headersDistinct['clerk-api-version']?.join() ?? 'none');
    const give = (): Answer => {
      try {
        refuseStranger(message, secretKey);
        refuseHaste([limiter, ...(found?.name === 'POST /users' ? [creations] : [])]);
        if (!found) throw new Refusal(404, { code: 'not_here', message: `no route ${pathname}` });
        return found.route({ instance, ids: found.ids, query, body, unknownCursor });
      } catch (error) {
        if (error instanceof Refusal) return error.answer;
        throw error;
      }
    };
    const broken = faults.pick(`${method} ${url}`);
    if (broken) broken(response, give);
    else send(response, give());
  };
  const counts = (): Counts => ({
    requests,
    byRoute: { ...byRoute },
    limited: limiter.refused + creations.refused,
    peak: limiter.peak,
    apiVersions: [...apiVersions],
  });
  const server = createServer((message, response) => void answer(message, response));
  const port = await listen(server, options.port ?? 0);
  return {
    url: `http://127.0.0.1:${port}`,
    secretKey,
    instance,
    counts,
    fail: faults.add,
    loseNetwork: () => close(server),
    restoreNetwork: async () => {
      await listen(server, port);
    },
    stop: () => close(server),
  };
}

/** Not Clerk's: where another process reads what was counted. */
export const COUNTS_PATH = '/counts';

function refuseStranger({ headers }: IncomingMessage, secretKey: string): void {
  if (headers.authorization === `Bearer ${secretKey}`) return;
  if (headers.authorization === undefined) {
    throw new Refusal(401, { code: 'authentication_invalid', message: 'Invalid authentication' });
  }
  throw new Refusal(401, {
    code: 'clerk_key_invalid',
    message:
      'The provided Clerk Secret Key is invalid. Make sure that your Clerk Secret Key is correct.',
  });
}

function refuseHaste(limiters: readonly { admit: () => number }[]): void {
  for (const limiter of limiters) {
    const seconds = limiter.admit();
    if (seconds === 0) continue;
    throw new Refusal(
      429,
      { code: 'too_many_requests', message: 'Too many requests. Please try again in a bit.' },
      { 'retry-after': String(seconds) },
    );
  }
}

interface Found {
  name: string;
  route: Route;
  ids: string[];
}

const PATTERNS = Object.entries(ROUTES).map(([name, route]) => {
  const [method, path = ''] = name.split(' ');
  return { name, route, method, pattern: new RegExp(`^/v1${path.replaceAll('*', '([^/]+)')}$`) };
});

function findRoute(method: string, pathname: string): Found | undefined {
  for (const { name, route, method: own, pattern } of PATTERNS) {
    const match = own === method ? pattern.exec(pathname) : null;
    if (match) return { name, route, ids: match.slice(1).map(decodeURIComponent) };
  }
  return undefined;
}

async function readBody(message: IncomingMessage): Promise<JsonObject> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer); // no encoding was set
  const body: unknown = JSON.parse(Buffer.concat(chunks).toString() || '{}');
  return isRecord(body) ? body : {};
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port; // a TCP server's address is an object
}

async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
