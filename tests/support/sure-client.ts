/**
 * Delivers only over connections that the process has taken. The system also resets those that it has taken for a process that
 * then stops listening: to a client that is no more than a refusal, but it looks like a request that was cut off.
 */
import { Agent, request, type ClientRequestArgs, type IncomingMessage } from 'node:http';
import { createConnection, type NetConnectOpts } from 'node:net';
import { createSigner } from '../../src/clerk/signature.js';
import { SECRET, type Answer } from './clerk.js';

const LONGEST_ANSWER_MS = 10_000;

export interface SureClient {
  /** Rejects with code ECONNREFUSED when no connection was taken, with another when one was and the answer did not come. */
  deliver: (url: string, event: object, id: string) => Promise<Answer>;
  close: () => void;
}

export function createSureClient(): SureClient {
  const agent = new Agent({ keepAlive: true });
  agent.createConnection = (options, callback) => {
    askFirst(options, callback);
    return undefined;
  };
  return {
    deliver: (url, event, id) => {
      const body = JSON.stringify(event);
      return post(url, { agent, headers: createSigner(SECRET)(id, body), body });
    },
    close: () => {
      agent.destroy();
    },
  };
}

type Callback = Parameters<Agent['createConnection']>[1];

/** The answer to a question that may be lost shows that the connection was taken; one that is the last on it, that it is of no use. */
function askFirst(options: ClientRequestArgs, callback: Callback): void {
  const socket = createConnection(options as NetConnectOpts); // http's agent hands on what net takes
  const settle = (error: Error | null) => {
    socket.removeAllListeners('data').removeAllListeners('error').removeAllListeners('close');
    if (error) socket.destroy();
    callback?.(error, socket);
  };
  const refuse = () => {
    settle(Object.assign(new Error('No connection was taken.'), { code: 'ECONNREFUSED' }));
  };
  socket.once('error', refuse).once('close', refuse);
  socket.once('data', (answer: Buffer) => {
    const isUsable = /^HTTP\/1\.1 200 [^]*\r\nConnection: keep-alive\r\n/i.test(answer.toString());
    if (isUsable) settle(null);
    else refuse();
  });
  socket.write('GET /healthz HTTP/1.1\r\nHost: ingest\r\n\r\n');
}

interface Post {
  agent: Agent;
  headers: Record<string, string>;
  body: string;
}

function post(url: string, { agent, headers, body }: Post): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers, timeout: LONGEST_ANSWER_MS });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${LONGEST_ANSWER_MS} ms`)));
    sent.on('error', reject);
    sent.on('response', (response) => {
      readAnswer(response).then(resolve, reject);
    });
    sent.end(body);
  });
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const text = Buffer.concat(await response.toArray()).toString();
  const headers = new Headers(
    Object.entries(response.headersDistinct).map(([k, v]) => [k, v?.[0] ?? '']),
  );
  // Every answer of ours is a JSON object, and has a status.
  return { status: response.statusCode ?? 0, headers, body: JSON.parse(text) as Answer['body'] };
}
