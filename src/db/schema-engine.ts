/**
 * The only module that knows Prisma's schema engine in WebAssembly, an internal package of Prisma's: it migrates where its
 * native twin cannot be downloaded. Keeps `_prisma_migrations` exactly as `prisma migrate deploy` does.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as glue from '@prisma/schema-engine-wasm/schema_engine_bg';
import { type Pool } from 'pg';
import { SyncError } from '../errors.js';

const NO_FILTERS = { externalTables: [], externalEnums: [] };

/** The package's own loader imports the .wasm file as a module, which Node does not do without a flag: bind it by hand. */
const loadEngine = once(async () => {
  const file = createRequire(import.meta.url).resolve(
    '@prisma/schema-engine-wasm/schema_engine_bg',
  );
  const bytes = readFileSync(path.join(path.dirname(file), 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, {
    './schema_engine_bg.js': glue,
  });
  const bindings = glue as unknown as { __wbg_set_wasm: (exports: object) => void }; // exported, yet not typed
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return glue.SchemaEngine;
});

/** Node has it; TypeScript declares it only for browsers. */
declare const WebAssembly: {
  instantiate: (
    bytes: Uint8Array,
    imports: Record<string, object>,
  ) => Promise<{ instance: { exports: { __wbindgen_start: () => void } } }>;
};

export interface MigrationState {
  /** Names in the folder that the database has not applied yet, in order. */
  pending: string[];
  /** Names that failed half-way and need a person. */
  failed: string[];
  /** Names that the database has applied and the folder does not know: the database is newer than this program. */
  unknown: string[];
}

/** Where migrations go: the pool's connections have `schema` as their search_path. */
export interface MigrationTarget {
  pool: Pool;
  schema: string;
  /** The folder prisma/migrations. */
  directory: string;
}

/** Applies what is pending, in order. @returns the names applied. @throws SyncError `work.failed` when the folder is missing. */
export async function applyMigrations({
  pool,
  schema,
  directory,
}: MigrationTarget): Promise<string[]> {
  const engine = await openEngine(pool, schema);
  try {
    const { appliedMigrationNames } = await engine.applyMigrations({
      migrationsList: readMigrations(directory),
      filters: NO_FILTERS,
    });
    return appliedMigrationNames;
  } finally {
    engine.free();
  }
}

export async function diagnoseMigrations({
  pool,
  schema,
  directory,
}: MigrationTarget): Promise<MigrationState> {
  const engine = await openEngine(pool, schema);
  try {
    const found = await engine.diagnoseMigrationHistory({
      migrationsList: readMigrations(directory),
      optInToShadowDatabase: false,
      filters: NO_FILTERS,
    });
    const history = found.history;
    return {
      pending:
        history && 'unappliedMigrationNames' in history ? history.unappliedMigrationNames : [],
      unknown:
        history && 'unpersistedMigrationNames' in history ? history.unpersistedMigrationNames : [],
      failed: found.failedMigrationNames,
    };
  } finally {
    engine.free();
  }
}

/** The SQL that makes an empty schema what the Prisma schema says. Shows, in a test, that the migrations lead to the same place. */
export async function sqlFromPrismaSchema(pool: Pool, schemaFile: string): Promise<string> {
  const content = readFileSync(schemaFile, 'utf8');
  const engine = await openEngine(pool, 'public', [[schemaFile, content]]);
  try {
    const result = await engine.diff({
      from: { tag: 'empty' },
      to: { tag: 'schemaDatamodel', files: [{ path: schemaFile, content }] },
      script: true,
      exitCode: null,
      filters: NO_FILTERS,
    });
    return result.stdout ?? '';
  } finally {
    engine.free();
  }
}

async function openEngine(pool: Pool, schema: string, datamodels?: [string, string][]) {
  const SchemaEngine = await loadEngine();
  const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg(pool, { schema }));
  return SchemaEngine.new({ datamodels }, () => undefined, adapter);
}

function readMigrations(directory: string) {
  if (!existsSync(directory)) {
    throw new SyncError(
      'work.failed',
      `The migrations are missing: there is no ${directory}. Ship prisma/migrations along with the program.`,
    );
  }
  const names = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  return {
    baseDir: directory,
    lockfile: {
      path: 'migration_lock.toml',
      content: readFileSync(path.join(directory, 'migration_lock.toml'), 'utf8'),
    },
    shadowDbInitScript: '',
    migrationDirectories: names.map((name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: {
          tag: 'ok' as const,
          value: readFileSync(path.join(directory, name, 'migration.sql'), 'utf8'),
        },
      },
    })),
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
