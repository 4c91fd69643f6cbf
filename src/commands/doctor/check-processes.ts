/** The processes on this machine, by what their ops servers say; and whether the endpoint refuses what it must. */
import { createSigner } from '../../clerk/signature.js';
import { messageOf } from '../../errors.js';
import { isRecord } from '../../record.js';
import { bad, ok, skipped, warn, type Finding } from './finding.js';
import { type Patient } from './patient.js';

export type ProcessName = 'ingest' | 'worker' | 'board';

const PROCESSES = {
  ingest: { port: 'INGEST_OPS_PORT', host: 'OPS_HOST' },
  worker: { port: 'WORKER_OPS_PORT', host: 'OPS_HOST' },
  board: { port: 'BOARD_PORT', host: 'BOARD_HOST' },
} as const;

const PATIENCE_MS = 4_000;

/** @returns the check of the process of that name. */
export function checkProcess(name: ProcessName): (patient: Patient) => Promise<Finding[]> {
  return async (patient) => {
    const url = locateOps(name, patient);
    if (url === null) return [skipPort(PROCESSES[name].port, patient)];
    const answer = await ask(`${url}/readyz`);
    if (answer === null) {
      return [skipped(`not on this machine, or not started: nobody answers at ${url}`)];
    }
    return [judgeReadiness(answer, { name, url })];
  };
}

interface Answer {
  /** 0: the connection was taken, and nothing came. */
  status: number;
  /** Of JSON; null for anything else. */
  body: unknown;
}

export function judgeReadiness(
  { status, body }: Answer,
  { name, url }: { name: ProcessName; url: string },
): Finding {
  if (status === 0) return judgeSilence(url);
  const said = isRecord(body) ? body : {};
  if (status === 200 && said['status'] === 'ready') return ok(`ready at ${url}`);
  if (said['status'] === 'not ready') {
    const found = `Runs at ${url} and is not ready: ${String(said['reason'])}`;
    return bad(
      found.replace(/\.$/, ''),
      'Its reason says what to mend; it becomes ready by itself.',
    );
  }
  return warn(
    `Something that is not clerk-sync's ${name} answers at ${url}`,
    `Stop it, or set ${PROCESSES[name].port} to another port.`,
  );
}

/** Posts what is signed and no event: refused in any case, and the answer says whether the signature was good. Nothing is queued. */
export async function checkEndpoint(patient: Patient): Promise<Finding[]> {
  const { config } = patient;
  if (!isKnown('PORT', patient)) return [skipPort('PORT', patient)];
  const url = `${formatOrigin(config.HOST, config.PORT)}${config.WEBHOOK_PATHS[0] ?? ''}`;
  const secret = config.signingSecrets[0];
  const signature = secret ? createSigner(secret)('msg_doctor', NO_EVENT) : {};
  const answer = await ask(url, { method: 'POST', body: NO_EVENT, headers: { ...signature } });
  if (answer === null) {
    return [skipped(`not on this machine, or not started: nobody answers at ${url}`)];
  }
  return [judgeRefusal(answer, { url, isSigned: secret !== undefined })];
}

const NO_EVENT = '{}';

export function judgeRefusal(
  { status, body }: Answer,
  { url, isSigned }: { url: string; isSigned: boolean },
): Finding {
  if (status === 0) return judgeSilence(url);
  const error = isRecord(body) && typeof body['error'] === 'string' ? body['error'] : null;
  if (status !== 400 || error === null) {
    return warn(
      `Something that is not clerk-sync's ingest answers at ${url} (${status})`,
      'Stop it, or set PORT to another port.',
    );
  }
  if (!isSigned) return ok(`${url} refuses what is not signed`);
  if (!/signature|timestamp/i.test(error)) {
    return ok(`${url} knows the signing secret, and refuses what is no event`);
  }
  return bad(
    `${url} refuses what is signed with the configured secret: ${error.replace(/\.$/, '')}`,
    'It was started with another secret, or has another clock: start ingest again.',
  );
}

function judgeSilence(url: string): Finding {
  const found = `What listens at ${url} does not answer within ${PATIENCE_MS / 1000} s`;
  return bad(found, 'It is frozen or overloaded: look at its machine, or start it again.');
}

/** As everywhere: what is set counts, then what the running `npm start` wrote, then the default. Null: nobody knows. */
function locateOps(name: ProcessName, patient: Patient): string | null {
  const { config, environment, system } = patient;
  const { host, port } = PROCESSES[name];
  const isChosen = Number(environment[port] ?? 0) !== 0;
  const written = system?.opsUrls[name];
  if (!isChosen && written) return written;
  return isKnown(port, patient) ? formatOrigin(config[host], config[port]) : null;
}

type PortName = 'PORT' | (typeof PROCESSES)[ProcessName]['port'];

function isKnown(port: PortName, { config, wrong }: Patient): boolean {
  return config[port] !== 0 && !wrong.includes(port);
}

function skipPort(port: PortName, { wrong }: Patient): Finding {
  const isWrong = wrong.includes(port);
  return skipped(isWrong ? `${port} cannot be used` : `${port} is 0: any port, which nobody tells`);
}

/** Where a server that binds to `host` is reached from this machine. */
function formatOrigin(host: string, port: number): string {
  const isEverywhere = host === '0.0.0.0' || host === '::';
  const name = isEverywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

/** Null when nobody answers. */
async function ask(url: string, request: RequestInit = {}): Promise<Answer | null> {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const response = await fetch(url, { ...request, redirect: 'manual', signal });
    return { status: response.status, body: readJson(await response.text()) };
  } catch (error) {
    if (messageOf(error) === 'fetch failed') return null;
    if (error instanceof DOMException && error.name === 'TimeoutError') {
      return { status: 0, body: null };
    }
    throw error;
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
