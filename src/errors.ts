/** The closed set of errors this project raises on purpose. Translated into HTTP answers and exit codes only at the edges. */
const ERRORS = {
  'config.invalid': { status: 500, exitCode: 2, retryable: false },
  'usage.invalid': { status: 500, exitCode: 2, retryable: false },
  'work.failed': { status: 500, exitCode: 1, retryable: false },
  'webhook.rejected': { status: 400, exitCode: 1, retryable: false },
  'queue.unavailable': { status: 503, exitCode: 1, retryable: true },
  'database.unavailable': { status: 503, exitCode: 1, retryable: true },
  'database.contended': { status: 503, exitCode: 1, retryable: true },
  'job.newer': { status: 503, exitCode: 1, retryable: true },
  'event.rejected': { status: 400, exitCode: 1, retryable: false },
  'clerk.unauthorized': { status: 500, exitCode: 2, retryable: false },
  'clerk.disabled': { status: 500, exitCode: 1, retryable: false },
  'clerk.rejected': { status: 500, exitCode: 1, retryable: false },
  'instance.mismatch': { status: 500, exitCode: 2, retryable: false },
  'reconcile.refused': { status: 500, exitCode: 1, retryable: false },
  'clerk.unavailable': { status: 503, exitCode: 1, retryable: true },
} as const satisfies Record<string, { status: number; exitCode: number; retryable: boolean }>;

export type ErrorCode = keyof typeof ERRORS;

/** An expected failure. `message` is for a person: it names the cause and, where there is one, the cure. Never holds personal data. */
export class SyncError extends Error {
  override readonly name = 'SyncError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get exitCode(): number {
    return ERRORS[this.code].exitCode;
  }

  /** Whether the same call can succeed later with nothing changed but time. */
  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}

export function isSyncError(error: unknown, code?: ErrorCode): error is SyncError {
  return error instanceof SyncError && (code === undefined || error.code === code);
}

/** What a person reads of an unknown thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
