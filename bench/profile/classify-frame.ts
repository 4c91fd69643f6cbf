/** Whose code a frame of a profile is. Pure. */

export interface Frame {
  functionName: string;
  /** Empty for what V8 and Node have in native code. */
  url: string;
}

/** What is no work of the process under load, and is left out or told apart. */
export const IDLE = 'idle';
export const LOADING = 'loading of modules';

const COLLECTOR = 'garbage collection';
const UNKNOWN = 'V8, not told apart';
const CRYPTO = 'Node: crypto';

/** Package of npm -> what people call the whole that it is part of. Others stand for themselves. */
const PACKAGES: Readonly<Record<string, string>> = {
  ...nameAll('BullMQ', ['bullmq', 'msgpackr', 'cron-parser', 'semver', 'tslib']),
  ...nameAll('ioredis', [
    'ioredis',
    '@ioredis/commands',
    'redis-parser',
    'denque',
    'cluster-key-slot',
    'standard-as-callback',
  ]),
  ...nameAll('Prisma', [
    '@prisma/client',
    '@prisma/adapter-pg',
    '@prisma/driver-adapter-utils',
    '@prisma/client-runtime-utils',
    '@prisma/debug',
  ]),
  ...nameAll('pg', ['pg', 'pg-pool', 'pg-protocol', 'pg-types', 'postgres-array', 'postgres-date']),
  ...nameAll('Express', [
    'express',
    'router',
    'body-parser',
    'raw-body',
    'finalhandler',
    'parseurl',
    'on-finished',
    'ee-first',
    'type-is',
    'content-type',
    'media-typer',
    'bytes',
    'http-errors',
    'path-to-regexp',
    'etag',
    'fresh',
    'send',
    'qs',
    'proxy-addr',
    'depd',
    'debug',
    'vary',
    'encodeurl',
    'escape-html',
    'statuses',
    'mime-types',
    'accepts',
    'negotiator',
    'iconv-lite',
    'unpipe',
  ]),
  ...nameAll('svix', ['svix', 'standardwebhooks', '@stablelib/base64', 'fast-sha256']),
  ...nameAll('pino', [
    'pino',
    'sonic-boom',
    'safe-stable-stringify',
    'quick-format-unescaped',
    'pino-std-serializers',
    'on-exit-leak-free',
  ]),
  ...nameAll('prom-client', ['prom-client', 'tdigest', 'bintrees']),
};

/** The first that matches. */
const NODE_MODULES: readonly (readonly [RegExp, string])[] = [
  [/^node:internal\/(modules|main|deps\/cjs-module-lexer|source_map)\b/, LOADING],
  [/^node:(_http|internal\/http)/, 'Node: HTTP'],
  [/^node:(fs|internal\/fs)/, 'Node: files'],
  [/crypto/, CRYPTO],
  [/^node:(net|stream|internal\/(streams|stream_base_commons|net))/, 'Node: sockets and streams'],
  [/^node:(buffer|string_decoder|internal\/(buffer|encoding))/, 'Node: buffers and strings'],
  [
    /^node:(events|timers|async_hooks|internal\/(timers|process|async_hooks|linkedlist|fixed_queue|priority_queue|promise|abort|event_target))/,
    'Node: events, timers, promises',
  ],
  [/^node:/, 'Node: other'],
];

const NATIVES: Readonly<Record<string, string>> = {
  '(idle)': IDLE,
  '(garbage collector)': COLLECTOR,
  '(program)': UNKNOWN,
  '(root)': UNKNOWN,
  runMicrotasks: 'Node: events, timers, promises',
  ...nameAll(CRYPTO, ['Hmac', 'digest', 'timingSafeEqual']),
  ...nameAll(LOADING, ['ModuleWrap', 'compileFunction', 'compileFunctionForCJSLoader']),
};

/**
 * @param build where our own code was run from.
 * @param caller the group of the frame that called it: native code works for whoever calls it.
 */
export function classifyFrame(frame: Frame, build: string, caller = UNKNOWN): string {
  if (frame.url === '') return NATIVES[frame.functionName] ?? caller;
  if (frame.url.startsWith('wasm:')) return 'Prisma';
  const packageName = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(frame.url)?.[1];
  if (packageName) return PACKAGES[packageName] ?? packageName;
  const own = locate(frame, build);
  if (own.startsWith('src/')) return /^(src\/[^/]+)\//.exec(own)?.[1] ?? 'src, leaves';
  return NODE_MODULES.find(([pattern]) => pattern.test(frame.url))?.[1] ?? 'other';
}

/** The file as a reader knows it: `src/db/rows.ts`, `bullmq/dist/cjs/classes/job.js`, `node:buffer`. */
export function locate({ url }: Frame, build: string): string {
  const [, packageFile] = /.*node_modules\/(.*)$/.exec(url) ?? [];
  if (packageFile) return packageFile;
  const [, ownFile] = url.split(`${build}/`);
  return ownFile === undefined ? url : ownFile.replace(/\.js$/, '.ts');
}

function nameAll(name: string, members: readonly string[]): Record<string, string> {
  return Object.fromEntries(members.map((member) => [member, name]));
}
