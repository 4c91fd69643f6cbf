/** The least of an HTTP/1.1 client: it shares its machine with what is measured, so it must cost next to nothing. */
import { connect, type Socket } from 'node:net';
import { type Request } from './requests.js';

export interface Target {
  host: string;
  port: number;
}

export interface Connection {
  /** One at a time. `onAnswer` is called once, with the status; 0: it broke without an answer. */
  send: (request: Request, onAnswer: (status: number) => void) => void;
  /** False once it has ended, or is going to after the last answer. */
  isOpen: () => boolean;
  /** By performance.now(). */
  usedAt: () => number;
  close: () => void;
}

/** Read at once by whoever it is filled for. */
const buffer = Buffer.alloc(65_536);

export function openConnection({ host, port }: Target, onClosed: () => void): Connection {
  let waiting: ((status: number) => void) | undefined;
  let received = '';
  let isOpen = true;
  let usedAt = performance.now();
  const answer = (status: number) => {
    const onAnswer = waiting;
    waiting = undefined;
    received = '';
    usedAt = performance.now();
    onAnswer?.(status);
  };
  const read = (bytes: number): boolean => {
    received += buffer.toString('latin1', 0, bytes);
    const found = readAnswer(received);
    if (!found) return true;
    if (found.isLast) close();
    answer(found.status);
    return true;
  };
  const socket = connect({ host, port, noDelay: true, onread: { buffer, callback: read } });
  const close = () => {
    isOpen = false;
    socket.destroy();
  };
  socket.on('error', () => undefined); // 'close' follows
  const end = () => {
    isOpen = false;
    onClosed();
  };
  socket.on('end', end); // the server's side of it; 'close' follows
  socket.on('close', () => {
    end();
    answer(0);
  });
  return {
    send(request, onAnswer) {
      waiting = onAnswer;
      write(socket, request);
    },
    isOpen: () => isOpen,
    usedAt: () => usedAt,
    close,
  };
}

function write(socket: Socket, request: Request): void {
  if (request.length > 1) socket.cork();
  for (const piece of request) socket.write(piece);
  if (request.length > 1) socket.uncork();
}

/** @returns undefined until all of it is there. */
function readAnswer(text: string): { status: number; isLast: boolean } | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = text.slice(0, headEnd);
  const isLast = /\r\nconnection: *close/i.test(head);
  // A Node server that has waited too long for a request says so without a body, and hangs up.
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? (isLast ? 0 : undefined);
  if (length === undefined) throw new Error(`An answer without Content-Length:\n${head}`);
  if (text.length < headEnd + HEAD_END_BYTES + Number(length)) return undefined;
  return { status: Number(text.slice(STATUS_AT, STATUS_AT + 3)), isLast };
}

const HEAD_END_BYTES = 4;
/** After `HTTP/1.1 `. */
const STATUS_AT = 9;
