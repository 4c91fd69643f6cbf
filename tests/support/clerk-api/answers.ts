/** What the server answers: JSON text with a status, and Clerk's form of an error. */
import { type JsonObject } from './collection.js';

export interface Answer {
  status: number;
  /** JSON. */
  text: string;
  headers?: Record<string, string>;
}

export interface ApiError {
  code: string;
  message: string;
  /** The parameter it is about. */
  parameter?: string;
}

/** A request that Clerk would refuse. */
export class Refusal extends Error {
  readonly answer: Answer;

  constructor(status: number, error: ApiError, headers: Record<string, string> = {}) {
    super(error.message);
    this.answer = { status, text: JSON.stringify(describeError(error)), headers };
  }
}

export function answer(object: unknown): Answer {
  return { status: 200, text: JSON.stringify(object) };
}

export function notFound(what: string, id: string): Refusal {
  const message = `No ${what} was found with id ${id}`;
  return new Refusal(404, { code: 'resource_not_found', message });
}

function describeError({ code, message, parameter }: ApiError): JsonObject {
  const meta = parameter === undefined ? {} : { meta: { param_name: parameter } };
  return {
    errors: [{ message, long_message: message, code, ...meta }],
    clerk_trace_id: '0123456789abcdef0123456789abcdef',
  };
}
