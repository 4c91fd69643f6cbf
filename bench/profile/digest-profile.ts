/** What a profile says, in a size that people and repositories can take. Pure. */
import { classifyFrame, IDLE, LOADING, locate } from './classify-frame.js';
import { type CpuProfile, type ProfileNode } from './record-profile.js';

export interface ProfileDigest {
  /** Under load: without the start, and without what follows. */
  seconds: number;
  /** Of those, waiting. */
  idleShare: number;
  /** Shares of the time that is not idle, the largest first. */
  groups: readonly { name: string; share: number }[];
  /** Functions by their own time, without that of those they call. */
  functions: readonly { name: string; file: string; group: string; share: number }[];
  /** The root's children are what the event loop calls. */
  flames: readonly Flame[];
}

/** A frame with all that it calls. */
export interface Flame {
  name: string;
  file: string;
  group: string;
  share: number;
  children: readonly Flame[];
}

const FUNCTIONS_KEPT = 25;
/** Narrower ones are not to be seen. */
const LEAST_FLAME_SHARE = 0.004;
const BUCKET_MICROS = 250_000;
/** A bucket with less work than this is not under load. */
const LEAST_BUSY_SHARE = 0.2;

/** @param build where our own code was run from. */
export function digestProfile(profile: CpuProfile, build: string): ProfileDigest {
  const calls = linkCalls(profile, build);
  const times = sumTimes(profile, calls);
  const working = [...times].flatMap(([call, micros]) =>
    call.group === IDLE || call.group === LOADING ? [] : [{ call, micros }],
  );
  const busy = sum(working.map(({ micros }) => micros));
  const idle = sum([...times].flatMap(([{ group }, micros]) => (group === IDLE ? [micros] : [])));
  const functions = addUp(working, ({ name, file, group }) => JSON.stringify([name, file, group]));
  return {
    seconds: (busy + idle) / 1e6,
    idleShare: idle / (busy + idle),
    groups: rank(
      addUp(working, ({ group }) => group),
      busy,
    ),
    functions: rank(functions, busy)
      .slice(0, FUNCTIONS_KEPT)
      .map(({ name: key, share }) => {
        const [name, file, group] = JSON.parse(key) as [string, string, string]; // as made above
        return { name, file, group, share };
      }),
    flames: growFlames(working, busy),
  };
}

interface Call {
  name: string;
  file: string;
  group: string;
  caller: Call | undefined;
}

interface Timed {
  call: Call;
  micros: number;
}

/** Each node of the profile with its caller. What is called while modules are loaded is loading. */
function linkCalls({ nodes }: CpuProfile, build: string): Map<number, Call> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const calls = new Map<number, Call>();
  const add = (node: ProfileNode, caller: Call | undefined) => {
    const { callFrame } = node;
    const isLoading = caller?.group === LOADING;
    const call = {
      name: callFrame.functionName || '(anonymous)',
      file: locate(callFrame, build),
      group: isLoading ? LOADING : classifyFrame(callFrame, build, caller?.group),
      caller,
    };
    calls.set(node.id, call);
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child) add(child, callFrame.functionName === '(root)' ? undefined : call);
    }
  };
  const [root] = nodes;
  if (root) add(root, undefined);
  return calls;
}

/** Own time of each call, in the part of the profile that is under load. */
function sumTimes(profile: CpuProfile, calls: Map<number, Call>): Map<Call, number> {
  const timed = listTimed(profile, calls);
  const work = new Map<number, number>();
  for (const { call, micros, bucket } of timed) {
    if (isWork(call)) work.set(bucket, (work.get(bucket) ?? 0) + micros);
  }
  const loaded = [...work].flatMap(([bucket, micros]) =>
    micros >= LEAST_BUSY_SHARE * BUCKET_MICROS ? [bucket] : [],
  );
  const times = new Map<Call, number>();
  for (const { call, micros, bucket } of timed) {
    if (bucket < (loaded.at(0) ?? 0) || bucket > (loaded.at(-1) ?? 0)) continue;
    times.set(call, (times.get(call) ?? 0) + micros);
  }
  return times;
}

/** Samples in the order of time, so that buckets rise. */
function listTimed(
  { samples, timeDeltas }: CpuProfile,
  calls: Map<number, Call>,
): (Timed & { bucket: number })[] {
  let clock = 0;
  return samples.flatMap((id, index) => {
    const micros = timeDeltas[index] ?? 0;
    clock += micros;
    const call = calls.get(id);
    return call ? [{ call, micros, bucket: Math.floor(clock / BUCKET_MICROS) }] : [];
  });
}

function isWork({ group }: Call): boolean {
  return group !== IDLE && group !== LOADING;
}

function growFlames(working: readonly Timed[], busy: number): Flame[] {
  const root = new Map<string, Branch>();
  for (const { call, micros } of working) {
    let level = root;
    for (const frame of pathTo(call)) {
      const key = `${frame.name} ${frame.file}`;
      const branch: Branch = level.get(key) ?? { call: frame, micros: 0, children: new Map() };
      level.set(key, branch);
      branch.micros += micros;
      level = branch.children;
    }
  }
  return prune(root, busy);
}

interface Branch {
  call: Call;
  micros: number;
  children: Map<string, Branch>;
}

function prune(level: Map<string, Branch>, busy: number): Flame[] {
  return [...level.values()]
    .filter(({ micros }) => micros >= LEAST_FLAME_SHARE * busy)
    .sort((a, b) => b.micros - a.micros)
    .map(({ call: { name, file, group }, micros, children }) => ({
      name,
      file,
      group,
      share: micros / busy,
      children: prune(children, busy),
    }));
}

/** From the event loop down to the call. */
function pathTo(call: Call): Call[] {
  const path: Call[] = [];
  for (let at: Call | undefined = call; at; at = at.caller) path.unshift(at);
  return path;
}

function addUp(working: readonly Timed[], keyOf: (call: Call) => string): Map<string, number> {
  const totals = new Map<string, number>();
  for (const { call, micros } of working) {
    const key = keyOf(call);
    totals.set(key, (totals.get(key) ?? 0) + micros);
  }
  return totals;
}

function rank(totals: Map<string, number>, whole: number): { name: string; share: number }[] {
  return [...totals]
    .map(([name, micros]) => ({ name, share: micros / whole }))
    .sort((a, b) => b.share - a.share);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
