/** The workflows as GitHub's own parser reads them, and the commands in them. Nobody has run them here: there is no GitHub. */
import {
  convertWorkflowTemplate,
  NoOperationTraceWriter,
  parseWorkflow,
} from '@actions/workflow-parser';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { VARIABLES } from '../../src/config.js';
import { readImageCommand } from '../support/image-command.js';

interface Job {
  permissions?: Record<string, string>;
  'timeout-minutes': number;
  env?: Record<string, string>;
  strategy?: { matrix: { node: number[] } };
  steps: { uses?: string; run?: string }[];
}

interface Workflow {
  permissions: Record<string, string>;
  jobs: Record<string, Job>;
}

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const packageJson = JSON.parse(read('package.json')) as {
  scripts: Record<string, string>;
  engines: { node: string };
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};

describe.each(readdirSync(path.join(ROOT, '.github/workflows')))('%s', (name) => {
  const content = read(`.github/workflows/${name}`);
  const workflow = parse(content) as Workflow;
  const jobs = Object.entries(workflow.jobs);
  const steps = jobs.flatMap(([, job]) => job.steps);
  const commands = steps.map(({ run = '' }) => run).join('\n');

  test('is a workflow in the eyes of GitHub’s parser', async () => {
    const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter());
    if (value) await convertWorkflowTemplate(context, value);
    expect(context.errors.getErrors()).toEqual([]);
    expect(value).toBeDefined();
  });

  test('may only read, but for the job that publishes', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const [job, { permissions, 'timeout-minutes': minutes }] of jobs) {
      expect(permissions !== undefined).toBe(`${name} ${job}` === 'release.yml image');
      expect(minutes).toBeGreaterThan(0);
    }
  });

  test('pins every action to a major version', () => {
    for (const { uses } of steps) {
      if (uses !== undefined) expect(uses).toMatch(/^(actions|docker)\/[\w-]+@v\d+$/);
    }
  });

  test('runs scripts, commands and variables that there are', () => {
    for (const [, script] of commands.matchAll(/npm run ([\w-]+)/g))
      expect(Object.keys(packageJson.scripts)).toContain(script);
    for (const [command] of commands.matchAll(/\.\/run\.mjs \w+/g))
      expect(readImageCommand(command)).toBeDefined();
    const given = jobs.flatMap(([, { env = {} }]) => Object.keys(env));
    const known = [...Object.keys(VARIABLES), 'CLERK_WEBHOOK_SIGNING_SECRET', 'CI'];
    expect(known).toEqual(expect.arrayContaining(given));
  });
});

test('every Node that is supported is tested, from the oldest on', () => {
  const { jobs } = parse(read('.github/workflows/ci.yml')) as Workflow;
  const [oldest = 0, ...others] = jobs['test']?.strategy?.matrix.node ?? [];
  expect(packageJson.engines.node).toMatch(new RegExp(`^>=${oldest}\\.`));
  expect(others).toEqual([22, 24]);
});

test('dependabot knows the four kinds of versions that are pinned here', () => {
  const { version, updates } = parse(read('.github/dependabot.yml')) as {
    version: number;
    updates: {
      'package-ecosystem': string;
      directory: string;
      ignore?: { 'dependency-name': string }[];
    }[];
  };
  expect(version).toBe(2);
  expect(updates.map((update) => update['package-ecosystem'])).toEqual([
    ...['npm', 'docker', 'docker-compose', 'github-actions'],
  ]);
  const installed = { ...packageJson.dependencies, ...packageJson.devDependencies };
  for (const { directory, ignore = [] } of updates) {
    expect(directory).toBe('/');
    for (const held of ignore) expect(Object.keys(installed)).toContain(held['dependency-name']);
  }
});
