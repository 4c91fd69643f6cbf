/** A hundred thousand users and memberships at the price of a few: a sample's JSON, made when it is asked for, with ids, addresses and times of its own. */
import { sampleEvent, seededRandom } from '../../../src/clerk/samples/index.js';
import { type Item } from './collection.js';

/** A second lies between one and the next; every tenth shares the millisecond of its neighbour. */
const BEGINS_MS = Date.UTC(2024, 0, 1);
const STEP_MS = 1000;
/** So many different users, over and over. */
const SAMPLES = 64;

export function makeUsers(seed: string, count: number): Item[] {
  const templates = Array.from({ length: SAMPLES }, (_, n) => describeTemplate(`${seed}/${n}`));
  return makeItems(count, (n, createdAt) => {
    const { idBegins, pieces } = pick(templates, n);
    const text = () => fill(pieces, n, createdAt);
    return { id: idBegins + serialOf(n), createdAt, parents: [], text };
  });
}

export interface MembershipCrowd {
  count: number;
  users: readonly Item[];
  organizations: readonly Item[];
}

/** Each user in turn, every time in another organization. */
export function makeMemberships(
  seed: string,
  { count, users, organizations }: MembershipCrowd,
): Item[] {
  const { data } = sampleEvent('organizationMembership.created', { random: seededRandom(seed) });
  const idBegins = String(data['id']).slice(0, -7);
  return makeItems(count, (n, createdAt) => {
    const id = idBegins + serialOf(n);
    const user = pick(users, n).id;
    const organization = pick(organizations, n + Math.floor(n / users.length)).id;
    const text = () =>
      JSON.stringify({
        ...data,
        id,
        organization: { id: organization },
        public_user_data: { user_id: user },
        created_at: createdAt,
        updated_at: createdAt,
      });
    return { id, createdAt, parents: [organization, user], text };
  });
}

function makeItems(count: number, make: (n: number, createdAt: number) => Item): Item[] {
  return Array.from({ length: count }, (_, n) =>
    make(n, BEGINS_MS + (n % 10 === 9 ? n - 1 : n) * STEP_MS),
  );
}

function pick<T>(list: readonly T[], n: number): T {
  const item = list[n % list.length];
  if (item === undefined) throw new Error('Memberships need users and organizations.');
  return item;
}

/** Takes the place of the last seven characters of a sample's id. */
function serialOf(n: number): string {
  return n.toString(36).padStart(7, '0');
}

interface Template {
  idBegins: string;
  /** The sample's JSON, cut where one user differs from the next. */
  pieces: string[];
}

const AT_MS = Date.UTC(2025, 0, 1);
/** Characters that no JSON text holds. */
const SERIAL = '\u0001';
const NUMBER = '\u0002';
const PHONE = '\u0003';
const TIME = '\u0004';
const MARKS = new RegExp(`([${SERIAL}${NUMBER}${PHONE}${TIME}])`);

function describeTemplate(seed: string): Template {
  const { data } = sampleEvent('user.created', { random: seededRandom(seed), now: AT_MS });
  const json = JSON.stringify({ ...data, last_sign_in_at: AT_MS, last_active_at: AT_MS })
    .replace(/\b((?:user|idn|eac)_2\w{19})\w{7}\b/g, `$1${SERIAL}`)
    .replace(/(\d)@/g, `$1x${NUMBER}@`)
    .replace(/("username":"[^"]+)"/g, `$1x${NUMBER}"`)
    .replace(/"(crm-\d+)"/g, `"$1-${NUMBER}"`)
    .replace(/"\+1555\d{7}"/g, `"+1555${PHONE}"`)
    .replaceAll(String(data['created_at']), TIME)
    .replaceAll(String(AT_MS), TIME);
  return { idBegins: String(data['id']).slice(0, -7), pieces: json.split(MARKS) };
}

function fill(pieces: readonly string[], n: number, createdAt: number): string {
  const serial = serialOf(n);
  const number = String(n);
  const time = String(createdAt);
  let text = '';
  for (const piece of pieces) {
    if (piece === SERIAL) text += serial;
    else if (piece === NUMBER) text += number;
    else if (piece === PHONE) text += number.padStart(7, '0');
    else if (piece === TIME) text += time;
    else text += piece;
  }
  return text;
}
