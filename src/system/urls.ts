/** Where a server that binds to `host` is reached from this machine. */
const EVERYWHERE = new Set(['0.0.0.0', '::']);
const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

export function formatUrl(host: string, port: number): string {
  if (EVERYWHERE.has(host)) return `http://127.0.0.1:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** For people to read and paste: this machine is `localhost`. */
export function formatPublicUrl(host: string, port: number): string {
  return formatUrl(EVERYWHERE.has(host) || LOOPBACK.has(host) ? 'localhost' : host, port);
}
