/** Who may ask the board, and for what: checks that run before Bull Board sees a request. Each refusal says its cause and cure. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { raw, type RequestHandler, type Response } from 'express';
import { isLoopback, type Credentials } from '../board-access.js';

/** Nothing that is allowed needs a body. */
const BODY_LIMIT_BYTES = 16 * 1024;
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** For a board without credentials: a page whose name was rebound to 127.0.0.1 passes every check of origin, but not this one. */
export const requireLoopbackHost: RequestHandler = (request, response, next) => {
  const host = request.headers.host;
  const url = `http://${host ?? ''}`;
  if (URL.canParse(url) && isLoopback(new URL(url).hostname)) next();
  else
    refuse(response, 403, {
      error:
        'Without credentials the board answers to localhost, 127.0.0.1 and [::1] only. Open it under one of these, or set BOARD_USERNAME and BOARD_PASSWORD.',
    });
};

/** Basic authentication, which takes as long for a near miss as for any other. */
export function requireCredentials({ username, password }: Credentials): RequestHandler {
  const expected = [digest(username), digest(password)] as const;
  return (request, response, next) => {
    const given = readBasic(request.headers.authorization ?? '');
    const isUser = timingSafeEqual(digest(given.username), expected[0]);
    const isPassword = timingSafeEqual(digest(given.password), expected[1]);
    if (isUser && isPassword) {
      next();
      return;
    }
    response.set('WWW-Authenticate', 'Basic realm="clerk-sync board", charset="UTF-8"');
    refuse(response, 401, {
      error: 'Name and password are needed: BOARD_USERNAME and BOARD_PASSWORD of the board.',
    });
  };
}

/** A form or script of another site can send what the browser's user may: what changes something must come from the board itself. */
export const requireSameOrigin: RequestHandler = (request, response, next) => {
  if (SAFE_METHODS.has(request.method)) {
    next();
    return;
  }
  const { host, origin, 'sec-fetch-site': site } = request.headers;
  const isTold = origin !== undefined || site !== undefined;
  const isSameSite = site === undefined || site === 'same-origin';
  const isSameHost = origin === undefined || hostOf(origin) === host?.toLowerCase();
  if (isTold && isSameSite && isSameHost) next();
  else
    refuse(response, 403, {
      error:
        "Changes must come from the board's own pages: Origin must name the host that is asked, and Sec-Fetch-Site be same-origin. A script sends the header `Origin: http://HOST:PORT`; a proxy must pass Host on.",
    });
};

/** Of any content type, so that Bull Board's own parser finds nothing left to read. */
export const limitBody: RequestHandler = (request, response, next) => {
  const read: RequestHandler = raw({
    type: () => true,
    limit: BODY_LIMIT_BYTES,
    inflate: false,
  });
  read(request, response, (error?: unknown) => {
    if (error === undefined) {
      next();
      return;
    }
    // What is left of a refused body is not read: the connection cannot be used again.
    if (!request.complete) response.set('Connection', 'close');
    const isTooLarge = Number(request.headers['content-length'] ?? Infinity) > BODY_LIMIT_BYTES;
    refuse(response, isTooLarge ? 413 : 400, {
      error: `The board takes no bodies above ${BODY_LIMIT_BYTES / 1024} kB, and none that are compressed or cut.`,
    });
  });
};

function refuse(response: Response, status: number, body: { error: string }): void {
  response.status(status).json(body);
}

/** Of one length, whatever was given. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Empty texts, which nobody has, where there is nothing to read. */
function readBasic(header: string): Credentials {
  const encoded = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(header)?.[1] ?? '';
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) return { username: '', password: '' };
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) && /^https?:/.test(origin) ? new URL(origin).host : undefined;
}
