/** What goes wrong on purpose: which requests, how often, and how. */
import { type ServerResponse } from 'node:http';
import { seededRandom } from '../../../src/clerk/samples/index.js';
import { type Answer, Refusal } from './answers.js';

/** How an answer goes wrong. `give` does the work that the request asks for. */
export type Break = (response: ServerResponse, give: () => Answer) => void;

export interface FaultOptions {
  how: Break;
  /** Which requests, as `GET /v1/users?limit=500`. Default: all. */
  on?: RegExp;
  /** The first so many of these go well. */
  after?: number;
  /** So many go wrong. Default: all. */
  times?: number;
  /** From 0 to 1: so many of them, drawn. Default: 1. */
  share?: number;
}

export interface Faults {
  /** @returns what ends the fault. */
  add: (fault: FaultOptions) => () => void;
  /** What happens to a request, if anything. */
  pick: (request: string) => Break | undefined;
}

export function createFaults(seed: string): Faults {
  const random = seededRandom(`${seed}/faults`);
  const faults = new Set<Required<FaultOptions>>();
  return {
    add: ({ how, on = /^/, after = 0, times = Infinity, share = 1 }) => {
      const fault = { how, on, after, times, share };
      faults.add(fault);
      return () => faults.delete(fault);
    },
    pick: (request) => {
      for (const fault of faults) {
        if (!fault.on.test(request) || random() >= fault.share) continue;
        if (fault.after-- > 0) continue;
        if (fault.times-- <= 0) continue;
        return fault.how;
      }
      return undefined;
    },
  };
}

/** An error of Clerk's own form. */
export function failWith(
  status: number,
  { code = 'internal_clerk_error', headers = {} }: { code?: string; headers?: Headers } = {},
): Break {
  const refusal = new Refusal(status, { code, message: 'Oops' }, headers);
  return (response) => send(response, refusal.answer);
}

type Headers = Record<string, string>;

/** The page of a proxy in between. */
export function answerHtml(status: number): Break {
  return (response) => {
    response.writeHead(status, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>');
  };
}

/** Sound JSON that is nothing of Clerk's. */
export function answerJson(text: string): Break {
  return (response) => send(response, { status: 200, text });
}

/** Right, but late. */
export function answerLate(ms: number): Break {
  return (response, give) => {
    setTimeout(() => send(response, give()), ms).unref();
  };
}

/** Nothing comes, and the connection stays. */
export function hang(): Break {
  return () => undefined;
}

/** The work is done, and nobody hears of it. */
export function loseAnswer(): Break {
  return (response, give) => {
    give();
    response.destroy();
  };
}

/** The connection goes before anything is done. */
export function reset(): Break {
  return (response) => void response.destroy();
}

/** Half of the JSON, as if it were all. */
export function cutJson(): Break {
  return (response, give) => {
    const { text, ...rest } = give();
    send(response, { ...rest, text: text.slice(0, text.length / 2) });
  };
}

/** The connection goes in the middle of the body. */
export function cutConnection(): Break {
  return (response, give) => {
    const { status, text } = give();
    const body = Buffer.from(text);
    response.writeHead(status, { ...JSON_TYPE, 'content-length': body.length });
    response.write(body.subarray(0, body.length / 2), () => response.destroy());
  };
}

const JSON_TYPE = { 'content-type': 'application/json' };

export function send(response: ServerResponse, { status, text, headers }: Answer): void {
  const body = Buffer.from(text);
  response.writeHead(status, { ...JSON_TYPE, 'content-length': body.length, ...headers }).end(body);
}
