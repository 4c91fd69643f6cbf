/** Handlers that do all that a handler must not, beside one that is well; none of them unless BENCH_HANDLERS=misbehaving. */
import { setTimeout as sleep } from 'node:timers/promises';
import { defineHandlers, type Handler } from '../../src/outbox/define-handlers.js';

const SLOW_MS = 30_000;

const well: Handler = async () => undefined;

/** Heeds no signal. */
const hang: Handler = () => new Promise(() => undefined);

const slow: Handler = async (_event, { signal }) => {
  await sleep(SLOW_MS, undefined, { signal });
};

const failOnce: Handler = async (_event, { attempt }) => {
  if (attempt === 1) throw new Error('The first attempt fails.');
};

const failAlways: Handler = async () => {
  throw new Error('It fails on purpose, for ever.');
};

export const HANDLERS = defineHandlers(
  process.env['BENCH_HANDLERS'] === 'misbehaving'
    ? { 'user.*': { well, hang, slow, 'fail-once': failOnce, 'fail-always': failAlways } }
    : {},
);
