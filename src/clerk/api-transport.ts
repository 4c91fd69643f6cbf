/** The two ways a request to Clerk's Backend API is sent, Clerk's own client and fetch, under one pace and one patience. */
import { type ClerkClient, createClerkClient } from '@clerk/backend';
import { SyncError } from '../errors.js';
import { createCaller, PATIENCE, type Patience } from './api-caller.js';
import { fetchJson, type Query } from './api-fetch.js';
import { type Allowance, allowanceOf, createPace, CREATION_ALLOWANCE } from './api-pace.js';

export interface TransportOptions {
  secretKey: string;
  /** With or without `/v1`. */
  apiUrl: string;
  /** Ends every call with its reason. */
  signal?: AbortSignal | undefined;
  patience?: Partial<Patience>;
  /** Default: what Clerk allows the kind of instance that the key is of. */
  allowance?: Allowance;
  /** For creating users. Default: the lowest that Clerk has had. */
  creationAllowance?: Allowance;
}

/** Each throws the SyncErrors of `explainFailure`. */
export interface Transport {
  /** Through Clerk's own client. */
  ask: <T>(send: (clerk: ClerkClient) => Promise<T>) => Promise<T>;
  /** For what must not be done twice: `findDone` is asked before it is sent again. */
  create: <T>(
    send: (clerk: ClerkClient) => Promise<T>,
    findDone: () => Promise<T | null>,
  ) => Promise<T>;
  /** `read` makes something of the parsed answer; its ApiFailure counts as one of Clerk's. */
  get: <T>(path: string, query: Query, read: (answer: unknown) => T) => Promise<T>;
}

export function openTransport(options: TransportOptions): Transport {
  const { secretKey, signal, patience } = options;
  refuseUnsendable(secretKey);
  const apiUrl = options.apiUrl.replace(/\/+$/, '').replace(/\/v1$/, '');
  const clerk = createClerkClient({ secretKey, apiUrl, telemetry: { disabled: true } });
  const call = createCaller({ ...PATIENCE, ...patience }, signal);
  const pace = createPace(options.allowance ?? allowanceOf(secretKey));
  const creationPace = createPace(options.creationAllowance ?? CREATION_ALLOWANCE);
  return {
    ask: (send) => call({ pace, send: () => send(clerk) }),
    create: (send, findDone) => call({ pace: creationPace, send: () => send(clerk), findDone }),
    get: (path, query, read) =>
      call({
        pace,
        send: async (stop) =>
          read(await fetchJson({ apiUrl, secretKey, path, query, signal: stop })),
      }),
  };
}

/** The error of a header that cannot be sent would quote the key. */
function refuseUnsendable(secretKey: string): void {
  if (/^[\x21-\x7e]+$/.test(secretKey)) return;
  throw new SyncError(
    'config.invalid',
    'CLERK_SECRET_KEY holds characters that no key has. Copy it again from the Clerk Dashboard (Configure > API keys > Secret keys).',
  );
}
