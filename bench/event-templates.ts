/** The bodies that events are made of: samples of Clerk's user events, filled up with what real ones grow by, and cut where values go in. */
import {
  sampleEvent,
  sampleId,
  seededRandom,
  type SampleEvent,
} from '../src/clerk/samples/index.js';
import { drawIndex, drawOne, type Random } from '../src/clerk/samples/random.js';
import { isRecord, type JsonRecord } from '../src/record.js';

export type EventSize = '1 kB' | '3 kB' | '20 kB';
export type UserEvent = 'user.created' | 'user.updated';

/** A body in order: text as it stands, and what differs from event to event. */
export type Template = readonly (string | { slot: keyof Values })[];

export interface Values {
  entityId: string;
  updatedAt: number;
  /** Makes the address one of its own. */
  serial: number;
}

export type Templates = readonly [Template, ...Template[]];

/** Of each size and type. */
const TEMPLATES = 16;
/** No other number of a sample is equal to it. */
const MARKER_MS = Date.UTC(2026, 0, 1) - 1;

const made = new Map<string, Templates>();

/** The same ones each time. Made when they are first asked for, since those of 20 kB take a moment. */
export function findTemplates(size: EventSize, type: UserEvent): Templates {
  const known = made.get(`${size} ${type}`);
  if (known) return known;
  const create = (index: number) => createTemplate(size, type, `${size} ${type} ${index}`);
  const templates: Templates = [
    create(0),
    ...Array.from({ length: TEMPLATES - 1 }, (_, index) => create(index + 1)),
  ];
  made.set(`${size} ${type}`, templates);
  return templates;
}

/** One body of this many bytes, or a few more. */
export function createLargeBody(bytes: number): string {
  const random = seededRandom(`a body of ${bytes} bytes`);
  return JSON.stringify(grow(drawUser('user.updated', random), bytes, random));
}

export function fillTemplate(template: Template, values: Values): string {
  let text = '';
  for (const piece of template)
    text += typeof piece === 'string' ? piece : String(values[piece.slot]);
  return text;
}

function createTemplate(size: EventSize, type: UserEvent, seed: string): Template {
  const event = drawEvent[size](type, seededRandom(seed));
  const { data } = event;
  const [address] = readList(data['email_addresses']);
  const [name] = isRecord(address) ? String(address['email_address']).split('@') : [];
  return cut(JSON.stringify(event), [
    [String(data['id']), { slot: 'entityId' }],
    [String(MARKER_MS), { slot: 'updatedAt' }],
    ...(name ? ([[`${name}@`, `${name}.`, { slot: 'serial' }, '@']] as const) : []),
  ]);
}

type DrawEvent = (type: UserEvent, random: Random) => SampleEvent;

const drawEvent: Record<EventSize, DrawEvent> = {
  '1 kB': drawSmall,
  '3 kB': (type, random) => grow(drawUser(type, random), 3_000, random),
  '20 kB': (type, random) => grow(drawUser(type, random), 20_000, random),
};

function drawUser(type: UserEvent, random: Random): SampleEvent {
  return sampleEvent(type, { random, now: MARKER_MS });
}

/** Somebody with one address, made over the Backend API, in an application with few of Clerk's features: nothing null, off or empty. */
function drawSmall(type: UserEvent, random: Random): SampleEvent {
  for (;;) {
    const event = drawUser(type, random);
    const told = Object.entries(event.data).filter(([, value]) => isTold(value));
    event.data = Object.fromEntries(told);
    event.event_attributes.http_request = { client_ip: '', user_agent: '' };
    if (sizeOf(event) < LARGEST_SMALL_BYTES) return event;
  }
}

const LARGEST_SMALL_BYTES = 1_250;

function isTold(value: unknown): boolean {
  return value !== null && value !== false && !['[]', '{}'].includes(JSON.stringify(value));
}

/** People who stay get more addresses, more accounts elsewhere, and more of what the application notes about them. */
function grow(event: SampleEvent, targetBytes: number, random: Random): SampleEvent {
  const { data } = event;
  const purchases: JsonRecord[] = [];
  data['private_metadata'] = { ...toRecord(data['private_metadata']), purchases };
  let missing = targetBytes - sizeOf(event);
  while (missing > 0) {
    const list = drawOne(random, ['email_addresses', 'phone_numbers', 'external_accounts']);
    const [entry] = readList(
      sampleEvent('user.created', { random, now: MARKER_MS - 1 }).data[list],
    );
    if (entry && sizeOf(entry) < missing / 2) {
      data[list] = [...readList(data[list]), entry];
      missing -= sizeOf(entry) + COMMA_BYTES;
    }
    const purchase = drawPurchase(random);
    purchases.push(purchase);
    missing -= sizeOf(purchase) + COMMA_BYTES;
  }
  return event;
}

const COMMA_BYTES = 1;

function drawPurchase(random: Random): JsonRecord {
  return {
    id: sampleId('pay', random),
    at: FIRST_PURCHASE_MS + drawIndex(random, YEAR_MS),
    cents: drawIndex(random, 50_000),
    plan: drawOne(random, ['solo monthly', 'solo yearly', 'team monthly', 'team yearly']),
  };
}

const YEAR_MS = 31_536_000_000;
const FIRST_PURCHASE_MS = Date.UTC(2024, 0, 1);

/** Cuts `text` at each text that is to be replaced, and puts its replacement in between. */
function cut(
  text: string,
  replacements: readonly (readonly [found: string, ...by: Template])[],
): Template {
  let pieces: Template = [text];
  for (const [found, ...by] of replacements) {
    pieces = pieces.flatMap((piece) =>
      typeof piece === 'string'
        ? piece.split(found).flatMap((part, index) => (index === 0 ? [part] : [...by, part]))
        : [piece],
    );
  }
  return pieces;
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function toRecord(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}

function readList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
