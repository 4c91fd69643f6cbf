/** The board as a browser, a script or somebody's page asks it: any header may be set, Host included. */
import { request, type IncomingHttpHeaders } from 'node:http';
import { appRoutes } from '@bull-board/api/dist/routes.js';
import { type RunningProcess } from './processes.js';

type Board = Pick<RunningProcess, 'opsUrl'>;

export interface Question {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface BoardAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

export const API = '/queues/api/queues/clerk-webhooks';

export function ask(board: Board, path: string, question: Question = {}): Promise<BoardAnswer> {
  const { method = 'GET', body } = question;
  const headers = { ...question.headers };
  // Node says no length of a DELETE's body, and the server would take it for the next request and hang up.
  if (body !== undefined && !('transfer-encoding' in headers))
    headers['content-length'] ??= String(Buffer.byteLength(body));
  return new Promise((resolve, reject) => {
    const asked = request(`${board.opsUrl}${path}`, { method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** As the board's own page does it. */
export function change(board: Board, method: string, path: string): Promise<BoardAnswer> {
  return ask(board, path, { method, headers: { origin: board.opsUrl } });
}

export function basic(username: string, password: string): Record<string, string> {
  return {
    authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
  };
}

/** Every route of Bull Board's own table: `get /api/queues`. */
export function listRoutes(): { method: string; route: string }[] {
  return appRoutes.api.flatMap(({ method, route }) =>
    [method]
      .flat()
      .flatMap((verb) => [route].flat().map((path) => ({ method: verb, route: path }))),
  );
}

/** @param values by the name of the route's parameter. */
export function fillRoute(route: string, values: Record<string, string>): string {
  const filled = route.replace(/:(\w+)/g, (_all, name: string) =>
    encodeURIComponent(values[name] ?? `no-${name}`),
  );
  return `/queues${filled}`;
}
