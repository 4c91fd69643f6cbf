/** The Kubernetes manifests against Kubernetes' and KEDA's own schemas (as kubernetes-models has them), and against what the code says. */
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { CronJob } from 'kubernetes-models/batch/v1/CronJob';
import { Job } from 'kubernetes-models/batch/v1/Job';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { Service } from 'kubernetes-models/v1/Service';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { readConfig, VARIABLES } from '../../src/config.js';
import { CHILDREN } from '../../src/system/children.js';
import { checkTypes } from '../support/check-types.js';
import { readImageCommand } from '../support/image-command.js';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each kind has a shape of its own, which the models below know
type Shape = any;

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec: Shape;
}

const FOLDER = path.resolve(import.meta.dirname, '../../deploy/kubernetes');
const read = (file: string) => readFileSync(path.join(FOLDER, file), 'utf8');
const base = readKustomization('base');
const keda = readKustomization('keda');
const manifests = [...base.manifests, ...keda.manifests];
const of = (kind: string) => manifests.filter((manifest) => manifest.kind === kind);
const pods = [
  ...[...of('Deployment'), ...of('Job')].map(({ metadata, spec }) => [
    metadata.name,
    spec.template,
  ]),
  ...of('CronJob').map(({ metadata, spec }) => [metadata.name, spec.jobTemplate.spec.template]),
] as [string, Shape][]; // names and pod templates

const MODELS: Record<
  string,
  { model: new (data: Shape) => { validate: () => void }; module: string }
> = {
  Deployment: { model: Deployment, module: 'kubernetes-models/apps/v1/Deployment' },
  Job: { model: Job, module: 'kubernetes-models/batch/v1/Job' },
  CronJob: { model: CronJob, module: 'kubernetes-models/batch/v1/CronJob' },
  PodDisruptionBudget: {
    model: PodDisruptionBudget,
    module: 'kubernetes-models/policy/v1/PodDisruptionBudget',
  },
  Namespace: { model: Namespace, module: 'kubernetes-models/v1/Namespace' },
  Service: { model: Service, module: 'kubernetes-models/v1/Service' },
  ScaledObject: {
    model: ScaledObject,
    module: '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject',
  },
};

describe('the schemas of Kubernetes and KEDA', () => {
  test.each(manifests.map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, manifest]))(
    '%s has what it must have',
    (_name, { kind, ...data }) => {
      const { model: Model } = MODELS[kind] ?? {};
      if (!Model) throw new Error(`No model for ${kind}.`);
      expect(() => new Model({ kind, ...data }).validate()).not.toThrow();
    },
  );

  test('no manifest has a name that they do not know', () => {
    const values = manifests.map((value) => ({
      name: `${value.kind} ${value.metadata.name}`,
      module: MODELS[value.kind]?.module ?? '',
      type: `I${value.kind}`,
      value,
    }));
    expect(checkTypes(values)).toEqual([]);
  });
});

describe('kustomize', () => {
  test('is told of every file', () => {
    for (const { folder, resources } of [base, keda]) {
      const files = readdirSync(path.join(FOLDER, folder)).filter(
        (file) => file !== 'kustomization.yaml',
      );
      expect(resources.filter((file) => file !== '../base').sort()).toEqual(files.sort());
    }
    expect(keda.resources).toContain('../base');
  });

  test('gives every process a configuration that holds', () => {
    const [{ name, literals }] = base.kustomization.configMapGenerator;
    const given = Object.fromEntries(literals.map((line: string) => line.split('=')));
    expect(Object.keys(VARIABLES)).toEqual(expect.arrayContaining(Object.keys(given)));
    expect(readConfig({ ...given, DATABASE_URL: 'postgres://postgres/x' })).toBeDefined();
    for (const [, { spec }] of pods) {
      expect(spec.containers[0].envFrom).toEqual([
        { configMapRef: { name } },
        { secretRef: { name: 'clerk-sync' } },
      ]);
    }
  });

  test('sets the image that every container names', () => {
    const [{ name, newTag }] = base.kustomization.images;
    expect(newTag).toMatch(/^\d+\.\d+\.\d+$/);
    for (const [, { spec }] of pods) expect(spec.containers[0].image).toBe(name);
  });

  test('takes the number of workers away where KEDA decides it', () => {
    const [{ target, patch }] = keda.kustomization.patches;
    expect(parse(patch)).toEqual([{ op: 'remove', path: '/spec/replicas' }]);
    const [scaled] = of('ScaledObject');
    const worker = of('Deployment').find(({ metadata }) => metadata.name === target.name);
    expect(worker?.spec.replicas).toBeGreaterThan(0);
    expect(scaled?.spec.scaleTargetRef.name).toBe(target.name);
    expect(scaled?.metadata.namespace).toBe(base.kustomization.namespace);
    expect(of('Namespace')[0]?.metadata.name).toBe(base.kustomization.namespace);
  });
});

describe.each(pods)('the pods of %s', (name, { metadata, spec }) => {
  const [container, ...others] = spec.containers;

  test('run one command of the image', () => {
    expect(others).toEqual([]);
    expect(`clerk-sync-${readImageCommand(container.args)}`).toBe(name);
    expect(metadata.labels).toEqual({ app: 'clerk-sync', component: container.name });
  });

  test('are not root, write nothing, and gain nothing', () => {
    expect(spec.securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 1000,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(spec.automountServiceAccountToken).toBe(false);
    expect(container.resources.limits.memory).toBeDefined();
  });
});

describe.each(CHILDREN)('the Deployment of $name', ({ name, opsPort }) => {
  const deployment = of('Deployment').find(
    ({ metadata }) => metadata.name === `clerk-sync-${name}`,
  );
  const { selector, template } = deployment?.spec ?? {};
  const [container] = template.spec.containers;
  const port = Number(VARIABLES[opsPort].fallback);

  test('is asked where it answers, and Prometheus finds it', () => {
    expect(container.ports).toContainEqual({ name: 'ops', containerPort: port });
    for (const probe of ['livenessProbe', 'startupProbe'])
      expect(container[probe].httpGet).toEqual({ path: '/healthz', port: 'ops' });
    expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'ops' });
  });

  test('is given longer to stop than it gives itself', () => {
    const grace = parseFloat(VARIABLES.SHUTDOWN_GRACE.fallback);
    expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(grace);
  });

  test('is what its selector, its Service and its disruption budget select', () => {
    const labels = { app: 'clerk-sync', component: name };
    expect(selector.matchLabels).toEqual(labels);
    for (const { metadata, spec } of [...of('Service'), ...of('PodDisruptionBudget')]) {
      if (metadata.name !== `clerk-sync-${name}`) continue;
      expect(spec.selector.matchLabels ?? spec.selector).toEqual(labels);
    }
    const budgets = of('PodDisruptionBudget').map(({ metadata }) => metadata.name);
    expect(budgets.includes(`clerk-sync-${name}`)).toBe(deployment?.spec.replicas > 1);
  });
});

test('the Service of ingest leads to the public port alone', () => {
  const service = of('Service').find(({ metadata }) => metadata.name === 'clerk-sync-ingest');
  expect(service?.spec.ports).toEqual([{ name: 'http', port: 80, targetPort: 'http' }]);
  const [container] =
    pods.find(([name]) => name === 'clerk-sync-ingest')?.[1].spec.containers ?? [];
  expect(container.ports).toContainEqual({
    name: 'http',
    containerPort: Number(VARIABLES.PORT.fallback),
  });
});

test('KEDA compares both depth and age with a number', () => {
  // That the queries hold is shown by tests/unit/monitoring.test.ts.
  const triggers = of('ScaledObject')[0]?.spec.triggers as {
    name: string;
    metadata: Record<string, string>;
  }[];
  expect(triggers.map(({ name }) => name)).toEqual(['depth', 'age']);
  for (const { metadata } of triggers) expect(Number(metadata['threshold'])).toBeGreaterThan(0);
});

function readKustomization(folder: string) {
  const kustomization = parse(read(`${folder}/kustomization.yaml`));
  const resources = kustomization.resources as string[];
  const manifests = resources
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) => parseAllDocuments(read(`${folder}/${file}`)))
    .map((document) => document.toJS() as Manifest);
  return { folder, kustomization, resources, manifests };
}
