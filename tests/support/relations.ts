/** The tables and views of the schema `clerk`, as prisma/schema.prisma and the migrations have them. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const PRISMA = path.resolve(import.meta.dirname, '../../prisma');

/** By name, the names of the columns. */
export function readRelations(): Map<string, Set<string>> {
  const relations = new Map<string, Set<string>>();
  const schema = readFileSync(path.join(PRISMA, 'schema.prisma'), 'utf8');
  for (const [, body = '', name = ''] of schema.matchAll(
    /^model \w+ \{\n([^}]*)@@map\("(\w+)"\)/gm,
  )) {
    const fields = [...body.matchAll(/^ {2}(\w+) +(?:String|DateTime|Json|Int|Boolean)\b(.*)$/gm)];
    const columns = fields.map(
      ([, field = '', rest = '']) => /@map\("(\w+)"\)/.exec(rest)?.[1] ?? field,
    );
    relations.set(name, new Set(columns));
  }
  for (const [, view = '', query = ''] of readMigrations().matchAll(
    /CREATE (?:OR REPLACE )?VIEW "(\w+)" AS([^;]*);/g,
  )) {
    const added = [...query.matchAll(/AS "(\w+)"/g)].map(([, column = '']) => column);
    const table = relations.get(/FROM "(\w+)"/.exec(query)?.[1] ?? '') ?? [];
    relations.set(view, new Set([...table, ...added]));
  }
  return relations;
}

/** In the order in which they are applied. */
function readMigrations(): string {
  return readdirSync(path.join(PRISMA, 'migrations'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => readFileSync(path.join(PRISMA, 'migrations', name), 'utf8'))
    .join('\n');
}
