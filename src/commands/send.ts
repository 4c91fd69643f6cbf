/** `npm run send`: signs realistic sample events and posts them, as Svix would. */
import { EVENT_TYPES, type EventType } from '../clerk/event-types.js';
import { sampleEvent, sampleId } from '../clerk/samples/index.js';
import { createSigner } from '../clerk/signature.js';
import { readConfig, type Config } from '../config.js';
import { messageOf, SyncError } from '../errors.js';
import { readArguments, readCount, type Command, type CommandContext } from './command.js';

const USAGE = `Usage: npm run send -- TYPE [TYPE ...] [options]
  TYPE               one of Clerk's event types, such as user.created; or --list to see them
  --count N          send N events of each type (1)
  --entity ID        aim every event at this entity; later ones are later versions of it
  --duplicate        deliver every event twice, under one svix-id
  --shuffle          deliver in random order
  --url URL          where to (default: this machine's endpoint)
  --list             list the event types`;

/** Made in memory first, so that --shuffle and --duplicate see them all. */
const MAX_COUNT = 100_000;
const CONCURRENCY = 16;

interface Delivery {
  id: string;
  type: EventType;
  body: string;
}

export const sendCommand: Command = {
  usage: USAGE,
  async run(args, context) {
    const { values, positionals } = readArguments(
      args,
      {
        count: { type: 'string', default: '1' },
        entity: { type: 'string' },
        duplicate: { type: 'boolean', default: false },
        shuffle: { type: 'boolean', default: false },
        url: { type: 'string' },
        list: { type: 'boolean', default: false },
      },
      USAGE,
    );
    if (values.list) return listTypes(context);
    const types = readTypes(positionals);
    const count = readCount(values.count, '--count', MAX_COUNT);
    const config = readConfig(context.environment, ['signing-secret']);
    const url = readUrl(values.url, config);
    const deliveries = makeDeliveries(types, count, values.entity);
    const target = {
      url,
      sign: createSigner(config.signingSecrets[0] ?? ''),
      print: context.print,
    };
    if (values.shuffle)
      return deliverAll(shuffle([...deliveries, ...(values.duplicate ? deliveries : [])]), target);
    // The second round follows the first, so that its answers show what a redelivery gets.
    const first = await deliverAll(deliveries, target);
    return values.duplicate ? Math.max(first, await deliverAll(deliveries, target)) : first;
  },
};

function listTypes({ print }: CommandContext): number {
  for (const type of EVENT_TYPES) print(type);
  return 0;
}

function readTypes(positionals: string[]): EventType[] {
  if (positionals.length === 0) throw new SyncError('usage.invalid', `Which event type?\n${USAGE}`);
  return positionals.map((name) => {
    const type = EVENT_TYPES.find((known) => known === name);
    if (type) return type;
    throw new SyncError(
      'usage.invalid',
      `"${name}" is not an event type of Clerk's. \`npm run send -- --list\` shows them all.`,
    );
  });
}

function readUrl(given: string | undefined, config: Config): string {
  const url = given ?? `http://127.0.0.1:${config.PORT}${config.WEBHOOK_PATHS[0] ?? ''}`;
  if (URL.canParse(url) && /^https?:/.test(url)) return url;
  throw new SyncError('usage.invalid', `--url takes an http:// or https:// URL, not "${url}".`);
}

/** Events of one entity are versions of it, each a second after the one before; events of different entities come of now. */
function makeDeliveries(
  types: readonly EventType[],
  count: number,
  entityId: string | undefined,
): Delivery[] {
  const rounds = Array.from({ length: count }, (_value, round) => round);
  const start = Date.now() - (entityId ? count * types.length * 1000 : 0);
  return rounds.flatMap((round) =>
    types.map((type, index) => {
      const aimed = entityId ? { entityId, version: round * types.length + index } : {};
      return {
        id: sampleId('msg'),
        type,
        body: JSON.stringify(sampleEvent(type, { now: start, ...aimed })),
      };
    }),
  );
}

function shuffle<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}

interface Target {
  url: string;
  sign: ReturnType<typeof createSigner>;
  print: (line: string) => void;
}

/** Prints each answer, or a summary of many. @returns 1 when any delivery was not answered 200. */
async function deliverAll(deliveries: readonly Delivery[], target: Target): Promise<number> {
  const quiet = deliveries.length > 20;
  const tally = new Map<string, number>();
  let refusals = 0;
  let next = 0;
  const drain = async () => {
    for (let delivery = deliveries[next++]; delivery; delivery = deliveries[next++]) {
      const { status, text } = await deliver(delivery, target);
      if (status !== 200) refusals++;
      const label = status === 200 ? readStatus(text) : `refused with ${status}`;
      tally.set(label, (tally.get(label) ?? 0) + 1);
      if (!quiet) target.print(`${delivery.type}  ${delivery.id}  ${status} ${text}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, deliveries.length) }, drain));
  if (quiet) target.print([...tally].map(([label, times]) => `${label}: ${times}`).join(', '));
  return refusals === 0 ? 0 : 1;
}

async function deliver(
  { id, body }: Delivery,
  { url, sign }: Target,
): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...sign(id, body) },
      body,
    });
    return { status: response.status, text: (await response.text()).slice(0, 300) };
  } catch (error) {
    const cause = error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error);
    throw new SyncError(
      'work.failed',
      `Nobody answers at ${url} (${cause}). Start it first with \`npm start\`, or name another with --url.`,
    );
  }
}

function readStatus(text: string): string {
  return /"status":"(\w+)"/.exec(text)?.[1] ?? 'taken';
}
