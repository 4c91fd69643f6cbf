/** GET for what Clerk's own client does not give as raw JSON (docs/decisions/0011-backend-api.md says what and why). */
import { ApiFailure, failureOf, NO_CONNECTION, UNREADABLE } from './api-failure.js';

/** The one that `@clerk/backend` asks for, so that both ways of asking see the same shapes. */
const API_VERSION = '2026-05-12';

/** A parameter with several values stands for any of them. */
export type Query = Readonly<Record<string, string | readonly string[]>>;

export interface FetchOptions {
  /** Without `/v1`. */
  apiUrl: string;
  secretKey: string;
  path: string;
  query: Query;
  signal: AbortSignal;
}

/** @returns parsed JSON. @throws ApiFailure. */
export async function fetchJson(options: FetchOptions): Promise<unknown> {
  const { response, text } = await fetchText(options);
  const body = parse(text);
  if (!response.ok) throw failureOf(response, body);
  if (body === undefined) throw new ApiFailure(UNREADABLE);
  return body;
}

async function fetchText({ apiUrl, secretKey, path, query, signal }: FetchOptions) {
  const url = new URL(`${apiUrl}/v1${path}`);
  for (const [name, values] of Object.entries(query)) {
    for (const value of [values].flat()) url.searchParams.append(name, value);
  }
  const headers = {
    Authorization: `Bearer ${secretKey}`,
    'Clerk-API-Version': API_VERSION,
    'User-Agent': 'clerk-sync',
  };
  try {
    const response = await fetch(url, { headers, signal });
    return { response, text: await response.text() };
  } catch {
    throw new ApiFailure(NO_CONNECTION);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // an error page, or half an answer
  }
}
