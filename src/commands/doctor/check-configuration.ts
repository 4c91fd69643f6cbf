/** What is set, whether it can be used, and what would better be set. */
import { readBoardAccess } from '../../board-access.js';
import { SIGNING_SECRET_NAMES } from '../../environment.js';
import { messageOf } from '../../errors.js';
import { ok, skipped, toFinding, warn, type Finding } from './finding.js';
import { type Patient } from './patient.js';
import { isSecretName } from './reading.js';

export async function checkConfiguration({
  config,
  problems,
  sources,
}: Pick<Patient, 'config' | 'problems' | 'sources'>): Promise<Finding[]> {
  const found = problems
    .filter(({ name }) => !isSecretName(name))
    .map(({ name, text }) => ({ cure: `Correct ${name ?? 'it'}.`, ...toFinding('bad', text) }));
  try {
    readBoardAccess(config);
  } catch (error) {
    found.push({ cure: 'Correct it, or run no board.', ...toFinding('bad', messageOf(error)) });
  }
  if (found.length > 0) return found;
  return [ok(`read from ${['the environment', ...sources].join(', ')}`)];
}

export async function checkSigningSecret({
  config,
  environment,
  problems,
  system,
}: Pick<Patient, 'config' | 'environment' | 'problems' | 'system'>): Promise<Finding[]> {
  const wrong = problems.filter(({ name }) => isSecretName(name));
  if (wrong.length > 0) return wrong.map(({ text }) => toFinding('bad', text));
  const [name = '', ...others] = SIGNING_SECRET_NAMES.filter((known) => environment[known]);
  const secrets = config.signingSecrets;
  const isOfSystem = system !== undefined && environment[name] === system.signingSecret;
  const findings = [
    ok(
      `${secrets.length === 1 ? 'one' : secrets.length} of ${secrets.map(countBytes).join(', ')} bytes, from ${
        isOfSystem ? 'the running `npm start`' : name
      }`,
    ),
  ];
  for (const other of others.filter((one) => environment[one] !== environment[name])) {
    findings.push(warn(`${other} is set, too, and is not read`, `Remove it, or ${name}.`));
  }
  return findings;
}

export async function checkClerkKey({
  config,
  wrong,
}: Pick<Patient, 'config' | 'wrong'>): Promise<Finding[]> {
  if (wrong.includes('CLERK_SECRET_KEY')) return [skipped('CLERK_SECRET_KEY cannot be used')];
  const kind = /^sk_(test|live)_/.exec(config.CLERK_SECRET_KEY ?? '')?.[1];
  if (kind) return [ok(`of a ${kind === 'live' ? 'production' : 'development'} instance`)];
  return [
    warn(
      'CLERK_SECRET_KEY is not set: Clerk itself cannot be asked',
      'Receiving needs none. For `npm run erase`, copy it from the Clerk Dashboard (Configure > API keys > Secret keys).',
    ),
  ];
}

function countBytes(secret: string): number {
  return Buffer.from(secret.replace(/^whsec_/, ''), 'base64').length;
}
