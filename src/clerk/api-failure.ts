/** What goes wrong with a request to Clerk's Backend API, whichever way it was sent, and what a person reads of it. Pure. */
import { isClerkAPIResponseError } from '@clerk/backend/errors';
import { type ErrorCode, SyncError } from '../errors.js';
import { isRecord } from '../record.js';

interface FailureParts {
  /** Undefined: there was no answer, or none that could be read. */
  status?: number | undefined;
  /** Clerk's error codes, each with the parameter it is about where Clerk names one. */
  codes?: readonly string[];
  retryAfterMs?: number | undefined;
}

/** One request that failed. Holds codes only: Clerk's own sentences repeat addresses and names. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly status: number | undefined;
  readonly codes: readonly string[];
  readonly retryAfterMs: number | undefined;

  constructor(what: string, { status, codes = [], retryAfterMs }: FailureParts = {}) {
    super(what);
    this.status = status;
    this.codes = codes;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The failure behind what a request threw; undefined for a defect of ours. */
export function readFailure(error: unknown): ApiFailure | undefined {
  if (error instanceof ApiFailure) return error;
  return isClerkAPIResponseError(error) ? failureOfClient(error) : undefined;
}

/** What Clerk's client throws. Its own type promises a status, which a lost connection does not have. */
interface ClientError {
  status: number | undefined;
  errors: readonly { code: string; message: string; meta?: { paramName?: string } }[];
  /** In seconds. */
  retryAfter?: number | undefined;
}

function failureOfClient({ status, errors, retryAfter }: ClientError): ApiFailure {
  if (status === undefined) {
    // Not the message itself: that of a JSON parser quotes what it could not read.
    const isSilent = errors[0]?.message === 'fetch failed';
    return new ApiFailure(isSilent ? NO_CONNECTION : UNREADABLE);
  }
  return new ApiFailure(`status ${status}`, {
    status,
    codes: errors.map(({ code, meta }) => describeCode(code, meta?.paramName)),
    retryAfterMs: retryAfter === undefined ? undefined : retryAfter * 1000,
  });
}

/** The same for an answer that was fetched without Clerk's client. `body` is parsed JSON, or undefined. */
export function failureOf(response: Response, body: unknown): ApiFailure {
  const errors = isRecord(body) && Array.isArray(body['errors']) ? body['errors'] : [];
  const seconds = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
  return new ApiFailure(`status ${response.status}`, {
    status: response.status,
    codes: errors.filter(isRecord).map(({ code, meta }) => {
      return describeCode(code, isRecord(meta) ? meta['param_name'] : undefined);
    }),
    retryAfterMs: Number.isNaN(seconds) ? undefined : seconds * 1000,
  });
}

export const NO_CONNECTION = 'no connection';
export const NO_ANSWER = 'no answer in time';
export const UNREADABLE = 'an answer that cannot be read';

/** Whether the same request may succeed when sent again. */
export function isPassing({ status }: ApiFailure): boolean {
  return status === undefined || status === 408 || status === 429 || status >= 500;
}

/** Whether Clerk itself says that there is no such thing. The 404 of a proxy or of a wrong URL does not count: what is absent gets deleted here. */
export function isAbsence(error: unknown): boolean {
  if (!(error instanceof Error && error.cause instanceof ApiFailure)) return false;
  const { status, codes } = error.cause;
  return status === 404 && codes.some((code) => code.includes('not_found'));
}

/** @returns `clerk.unauthorized`, `clerk.disabled`, `clerk.unavailable` or `clerk.rejected`, with cause and cure. */
export function explainFailure(failure: ApiFailure): SyncError {
  const { status, codes } = failure;
  const said = codes.length > 0 ? `${status}: ${codes.join(', ')}` : failure.message;
  const explain = (code: ErrorCode, message: string) =>
    new SyncError(code, message, { cause: failure });
  if (isPassing(failure)) {
    return explain(
      'clerk.unavailable',
      `Clerk's Backend API gives no usable answer (${said}). Check the network and CLERK_API_URL, or run it again later.`,
    );
  }
  if (codes.some((code) => code.includes('not_enabled'))) {
    return explain(
      'clerk.disabled',
      `This Clerk instance has the feature switched off (${said}). Enable it in the Clerk Dashboard, or leave it out.`,
    );
  }
  if (status === 401 || status === 403) {
    return explain(
      'clerk.unauthorized',
      `Clerk refuses the secret key (${said}). Set CLERK_SECRET_KEY to a secret key of this instance that was not revoked (Clerk Dashboard > Configure > API keys).`,
    );
  }
  if (status === 404 && codes.length === 0) {
    return explain(
      'clerk.rejected',
      'The answer is a 404, but none of Clerk. Check that CLERK_API_URL leads to Clerk.',
    );
  }
  return explain('clerk.rejected', `Clerk refuses the request (${said}).`);
}

/** Both come from outside and end up in messages: only what looks like a name passes. */
function describeCode(code: unknown, parameter: unknown): string {
  const name = isName(code) ? code : 'no code';
  return isName(parameter) ? `${name} for ${parameter}` : name;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z][a-z0-9_]{0,63}$/.test(value);
}
