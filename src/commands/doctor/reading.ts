/** The configuration as far as it can be read: a doctor goes on where a process would stop. Pure. */
import { readConfig, type Config, type Need } from '../../config.js';
import { SIGNING_SECRET_NAMES, type Environment } from '../../environment.js';
import { isSyncError } from '../../errors.js';

export interface Problem {
  /** The variable; null when it is about several. */
  name: string | null;
  /** With its cure; never a secret. */
  text: string;
}

export interface Reading {
  /** What is wrong has its default here, or is absent. */
  config: Config;
  problems: Problem[];
  /** The variables that are set, and cannot be used. */
  wrong: string[];
}

const NEEDS: readonly Need[] = ['signing-secret', 'database', 'queue'];

export function readWhatCanBeRead(environment: Environment, needs = NEEDS): Reading {
  try {
    return { config: readConfig(environment, needs), problems: [], wrong: [] };
  } catch (error) {
    if (!isSyncError(error, 'config.invalid')) throw error;
    const problems = error.message.split('\n').map(toProblem);
    const wrong = problems.flatMap(({ name }) => (name && environment[name] ? [name] : []));
    // Neither a variable nor a need is left to leave out: asking again would not end.
    if (wrong.length === 0 && needs.length === 0) throw error;
    const rest = readWhatCanBeRead(omit(environment, wrong), []);
    return {
      config: rest.config,
      problems: [...problems, ...rest.problems],
      wrong: [...wrong, ...rest.wrong],
    };
  }
}

export function isSecretName(name: string | null): boolean {
  return SIGNING_SECRET_NAMES.some((known) => known === name);
}

function toProblem(text: string): Problem {
  return { name: /^[A-Z][A-Z_]+\b/.exec(text)?.[0] ?? null, text };
}

function omit(environment: Environment, wrong: readonly string[]): Environment {
  // With one secret wrong, the next variable in line would be read, which is not what any process does.
  const secrets = wrong.some(isSecretName) ? SIGNING_SECRET_NAMES : [];
  const left = { ...environment };
  for (const name of [...wrong, ...secrets]) left[name] = undefined;
  return left;
}
