/** Transactions go beneath Prisma, whose instrumentation does not see them: a span for each, for its statements and for its commit. */
import { context, SpanKind, trace, type Span, type Tracer } from '@opentelemetry/api';
import { type Database, type Statements } from '../db/database.js';
import { type SpanFacts } from './attributes.js';
import { codeOf, failSpan } from './fail-span.js';

export function traceDatabase(tracer: Tracer, db: Database): Database {
  return {
    ...db,
    async transact(work) {
      const transaction = startSpan(tracer, 'transaction');
      if (!transaction.isRecording()) return db.transact(work);
      const start: StartSpan = (name) =>
        context.with(trace.setSpan(context.active(), transaction), () => startSpan(tracer, name));
      let commit: Span | undefined;
      try {
        return await db.transact(async (tx) => {
          transaction.addEvent('connected');
          const result = await work(traceStatements(tx, start));
          commit = start('COMMIT');
          return result;
        });
      } catch (error) {
        failSpan(transaction, codeOf(error));
        throw error;
      } finally {
        commit?.end();
        transaction.end();
      }
    },
  };
}

type StartSpan = (name: string) => Span;

function startSpan(tracer: Tracer, name: string): Span {
  const attributes: SpanFacts = { 'db.system.name': 'postgresql' };
  return tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes });
}

/** Asks as soon as it is asked itself: the order of the statements, and that they travel together, stays. */
function traceStatements(tx: Statements, start: StartSpan): Statements {
  const follow = async <T>(sql: string, ask: () => Promise<T>): Promise<T> => {
    const summary = summarizeSql(sql);
    const span = start(summary).setAttribute('db.query.summary', summary);
    try {
      return await ask();
    } catch (error) {
      failSpan(span, codeOf(error));
      throw error;
    } finally {
      span.end();
    }
  };
  return {
    table: tx.table,
    query: <R>(sql: string, ...values: unknown[]) => follow(sql, () => tx.query<R>(sql, ...values)),
    execute: (sql, ...values) => follow(sql, () => tx.execute(sql, ...values)),
  };
}

const VERBS: Readonly<Record<string, string>> = {
  'INSERT INTO': 'INSERT',
  'DELETE FROM': 'DELETE',
  UPDATE: 'UPDATE',
  FROM: 'SELECT',
  JOIN: 'SELECT',
};

/** `INSERT users, INSERT webhook_events`: each table that is named, once, with what is done to it. Source: db.query.summary. */
export function summarizeSql(sql: string): string {
  const named = sql.matchAll(/\b(INSERT INTO|DELETE FROM|UPDATE|FROM|JOIN) "\w+"\."(\w+)"/g);
  const parts = [...named].map(([, words = '', table]) => `${VERBS[words]} ${table}`);
  return [...new Set(parts)].join(', ') || (/^\s*(\w+)/.exec(sql)?.[1] ?? 'statement');
}
