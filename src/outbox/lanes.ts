/** A lane for each handler: so many runs at once, so many that wait. What finds both full is told when to come again, and so keeps no other handler's runs waiting. */

/** `delayMs`: there is no place; nothing was done. */
export type Turn<T> = { result: T } | { delayMs: number };

export interface Lanes {
  enter: <T>(name: string, work: () => Promise<T>) => Promise<Turn<T>>;
  /** Sends away what waits, and whatever comes from now on. */
  close: () => void;
}

export interface LanesOptions {
  /** Runs of one handler at once. As many may wait. */
  size: number;
  now?: () => number;
  random?: () => number;
}

interface Lane {
  running: number;
  waiting: ((isAdmitted: boolean) => void)[];
  /** How long a run takes, of late. */
  averageMs: number;
  /** When whoever is sent away next may expect a place. */
  nextPlaceAt: number;
}

const SHORTEST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 60_000;
const FIRST_GUESS_MS = 100;
/** Of the newest run in the average. */
const WEIGHT = 0.2;

export function createLanes({ size, now = Date.now, random = Math.random }: LanesOptions): Lanes {
  const lanes = new Map<string, Lane>();
  let isClosed = false;
  const laneOf = (name: string): Lane => {
    const lane = lanes.get(name) ?? {
      running: 0,
      waiting: [],
      averageMs: FIRST_GUESS_MS,
      nextPlaceAt: 0,
    };
    lanes.set(name, lane);
    return lane;
  };
  /** Those that are sent away come back one by one, as fast as the lane has worked of late: all at once would find it full again. */
  const sendAway = (lane: Lane) => {
    const soonest = now() + SHORTEST_DELAY_MS;
    const latest = now() + LONGEST_DELAY_MS;
    lane.nextPlaceAt = Math.max(lane.nextPlaceAt, soonest) + lane.averageMs / size;
    if (lane.nextPlaceAt <= latest) return { delayMs: Math.round(lane.nextPlaceAt - now()) };
    lane.nextPlaceAt = latest;
    return { delayMs: Math.round(LONGEST_DELAY_MS * (0.5 + random() / 2)) };
  };
  const findPlace = (lane: Lane): boolean | Promise<boolean> => {
    if (isClosed) return false;
    if (lane.running < size) {
      lane.running++;
      return true;
    }
    if (lane.waiting.length >= size) return false;
    return new Promise((resolve) => lane.waiting.push(resolve));
  };
  const leave = (lane: Lane) => {
    const next = lane.waiting.shift();
    if (next) next(true);
    else lane.running--;
  };
  return {
    async enter(name, work) {
      const lane = laneOf(name);
      if (!(await findPlace(lane))) return sendAway(lane);
      const startedAt = now();
      try {
        return { result: await work() };
      } finally {
        lane.averageMs += (now() - startedAt - lane.averageMs) * WEIGHT;
        leave(lane);
      }
    },
    close() {
      isClosed = true;
      for (const { waiting } of lanes.values()) {
        for (const turnAway of waiting.splice(0)) turnAway(false);
      }
    },
  };
}
