/** One pino logger per process: JSON, or pretty on a terminal. What may not be logged is kept out by the callers: they log ids, types and outcomes. */
import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

export interface LogSettings {
  level: string;
  /** `auto` is pretty on a terminal and JSON elsewhere. */
  format: LogFormat;
  /** Fields that each line gets besides its own. */
  describeLine?: ((line: object) => object) | undefined;
}

export function createLogger(name: string, settings: LogSettings): Logger {
  const { level, format, describeLine } = settings;
  const pretty = format === 'pretty' || (format === 'auto' && process.stdout.isTTY);
  const options = {
    name,
    level,
    base: { name, pid: process.pid },
    serializers: { err: describeError },
    ...(describeLine && { mixin: describeLine }),
  };
  if (pretty) {
    const transport = { target: 'pino-pretty', options: { ignore: 'pid,hostname,name' } };
    return pino({ ...options, transport });
  }
  return pino(options, joinLines());
}

/** A system call for each line would cost more than the line: those of one turn of the event loop are written together, at its end. */
function joinLines(): DestinationStream {
  // Synchronous: at exit an asynchronous one is flushed, and that flush retries a broken pipe for ever.
  const output = pino.destination({ dest: 1, sync: true });
  let lines = '';
  const flush = () => {
    if (lines !== '') output.write(lines);
    lines = '';
  };
  process.on('exit', flush);
  return {
    write(line) {
      if (lines === '') setImmediate(flush);
      lines += line;
    },
  };
}

export type LogFormat = 'auto' | 'json' | 'pretty';

/** Database errors quote rows in `detail`, and drivers hang parameters on them: only name, code and message are kept. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = 'code' in error ? error.code : undefined;
  // Only the frames: the stack's first lines repeat the message.
  const frames = error.stack?.match(/^ +at .*$/gm)?.map((frame) => frame.trim());
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    message: error.message,
    frames,
  };
}

const DAMPING_MS = 10_000;

/** Logs connection errors, those of one kind at most every ten seconds: a store that is away for an hour is not news each second. */
export function createErrorDamper(logger: Logger, message: string): (error: Error) => void {
  const lastLogged = new Map<string, number>();
  return (error) => {
    const key = 'code' in error ? String(error.code) : error.name;
    if (Date.now() - (lastLogged.get(key) ?? 0) < DAMPING_MS) return;
    lastLogged.set(key, Date.now());
    logger.warn({ err: error }, message);
  };
}
