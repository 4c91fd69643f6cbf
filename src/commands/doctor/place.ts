/** Where a server is, as it may be shown: never a user, a password or an option of its URL. Pure. */
import { isIP } from 'node:net';
import { isLoopback } from '../../board-access.js';

/** `db.example.com:5432/name`. */
export function formatPlace(url: string): string {
  const { protocol, host, port, pathname } = new URL(url);
  const server = host || readSocket(url) || 'this machine';
  const end = port || !host ? '' : `:${protocol.startsWith('redis') ? 6379 : 5432}`;
  return `${server}${end}${pathname === '/' ? '' : pathname}`;
}

/** Nobody but this machine, or the private network that it is in, passes on what is said there. */
export function isNearby(url: string): boolean {
  const host = readHost(url);
  return (
    host === '' ||
    isLoopback(host) ||
    (isIP(host) === 0 && !host.includes('.')) ||
    /\.(?:local|internal|localhost)$/.test(host) ||
    /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|f[cd][0-9a-f]{2}:|fe80:)/i.test(
      host,
    )
  );
}

/** Empty for a socket of this machine's. */
function readHost(url: string): string {
  return readSocket(url) ? '' : new URL(url).hostname.replace(/^\[|\]$/g, '').toLowerCase();
}

/** As libpq has it: a folder instead of a host. */
function readSocket(url: string): string | undefined {
  const host = new URL(url).searchParams.get('host') ?? '';
  return host.startsWith('/') ? host : undefined;
}
