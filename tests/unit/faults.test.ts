/** What a database error means for the batch that met it, and what of it may be shown. */
import { type Fault, classifyFault, describeFault } from '../../src/db/faults.js';

const SECRET = 'ann@example.com';

/** Condition names as in Postgres's appendix A. */
const STATES: Record<Fault, Record<string, string>> = {
  outage: {
    '08000': 'connection_exception',
    '08006': 'connection_failure',
    '08P01': 'protocol_violation',
    '25006': 'read_only_sql_transaction',
    '28000': 'invalid_authorization_specification',
    '28P01': 'invalid_password',
    '3D000': 'invalid_catalog_name',
    '53100': 'disk_full',
    '53200': 'out_of_memory',
    '53300': 'too_many_connections',
    '57P01': 'admin_shutdown',
    '57P02': 'crash_shutdown',
    '57P03': 'cannot_connect_now',
    '57P05': 'idle_session_timeout',
    '58030': 'io_error',
    XX000: 'internal_error',
  },
  contention: {
    '25P03': 'idle_in_transaction_session_timeout',
    '25P04': 'transaction_timeout',
    '40001': 'serialization_failure',
    '40P01': 'deadlock_detected',
    '55P03': 'lock_not_available',
    '57014': 'query_canceled',
  },
  structure: {
    '3F000': 'invalid_schema_name',
    '42501': 'insufficient_privilege',
    '42703': 'undefined_column',
    '42P01': 'undefined_table',
  },
  data: {
    '21000': 'cardinality_violation',
    '22001': 'string_data_right_truncation',
    '22003': 'numeric_value_out_of_range',
    '22007': 'invalid_datetime_format',
    '22021': 'character_not_in_repertoire',
    '22P02': 'invalid_text_representation',
    '22P05': 'untranslatable_character',
    '23503': 'foreign_key_violation',
    '23505': 'unique_violation',
    '23514': 'check_violation',
    '54000': 'program_limit_exceeded',
    '54001': 'statement_too_complex',
    P0001: 'raise_exception',
  },
};
const CASES = Object.entries(STATES).flatMap(([fault, states]) =>
  Object.entries(states).map(([code, name]) => [code, name, fault] as const),
);

describe.each(CASES)('SQLSTATE %s (%s)', (code, name, fault) => {
  test(`is ${fault} when pg says so`, () => {
    expect(classifyFault(fromPg(code, name))).toBe(fault);
  });

  test(`is ${fault} when Prisma wraps it`, () => {
    expect(classifyFault(fromPrisma('P2010', code, name))).toBe(fault);
  });

  test(`is ${fault} as the cause of another error`, () => {
    const wrapped = new Error('the batch failed', { cause: fromPrisma('P2010', code, name) });
    expect(classifyFault(wrapped)).toBe(fault);
  });
});

describe("Prisma's own codes, where no SQLSTATE came with them:", () => {
  test.each<[string, Fault]>([
    ['P1000', 'outage'],
    ['P1001', 'outage'],
    ['P1002', 'outage'],
    ['P1003', 'outage'],
    ['P1008', 'outage'],
    ['P1010', 'outage'],
    ['P1011', 'outage'],
    ['P1017', 'outage'],
    ['P2024', 'outage'],
    ['P2037', 'outage'],
    ['P2028', 'contention'],
    ['P2034', 'contention'],
    ['P2021', 'structure'],
    ['P2022', 'structure'],
  ])('%s is %s', (code, fault) => {
    expect(classifyFault(prismaError(code, 'Something went wrong.', {}))).toBe(fault);
    expect(classifyFault(prismaError(code, 'Something went wrong.', undefined))).toBe(fault);
  });

  test('a SQLSTATE that came with one counts more', () => {
    expect(classifyFault(fromPrisma('P2028', '22P02', 'invalid'))).toBe('data');
    expect(classifyFault(fromPrisma('P2010', '40P01', 'deadlock detected'))).toBe('contention');
  });

  test("Prisma's code is never taken for a SQLSTATE", () => {
    expect(classifyFault(prismaError('P2010', 'Raw query failed.', {}))).toBeUndefined();
    expect(classifyFault(prismaError('P2023', 'Inconsistent column data.', {}))).toBeUndefined();
  });
});

describe('the network', () => {
  test.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EPERM',
    'EACCES',
    'EADDRNOTAVAIL',
    'EMFILE',
  ])('is away when it says %s', (code) => {
    const error = withCode(new Error(`connect ${code} 127.0.0.1:5432`), code);
    expect(classifyFault(error)).toBe('outage');
    expect(classifyFault(new Error('no connection', { cause: error }))).toBe('outage');
    expect(describeFault(error)).toContain(code);
  });

  test('is away when each address of the host refused', () => {
    const refusals = ['::1', '127.0.0.1'].map((host) =>
      withCode(new Error(`connect ${host}`), 'ECONNREFUSED'),
    );
    const error = withCode(new AggregateError(refusals), 'ECONNREFUSED');
    expect(classifyFault(error)).toBe('outage');
    expect(describeFault(error)).toMatch(/ECONNREFUSED/);
  });

  test.each([
    'Client has encountered a connection error and is not queryable',
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'Connection terminated',
    'timeout exceeded when trying to connect',
    'The server does not support SSL connections on this socket',
    'Server has closed the connection.',
    "Can't reach database server at `127.0.0.1:5432`",
  ])('is away when the driver says only: %s', (message) => {
    expect(classifyFault(new Error(message))).toBe('outage');
    expect(classifyFault(fromAdapter({ kind: 'postgres', message }))).toBe('outage');
    expect(describeFault(new Error(message))).toBe(message);
  });
});

describe('what is not of the database is no fault of the database:', () => {
  test.each<[string, unknown]>([
    ['a defect of ours', new TypeError("Cannot read properties of undefined (reading 'id')")],
    ['an abort', new DOMException('This operation was aborted', 'AbortError')],
    ["Node's own codes", withCode(new Error('bad'), 'ERR_INVALID_ARG_TYPE')],
    ['a code that every object has', withCode(new Error('bad'), 'constructor')],
    ['nothing', undefined],
    ['null', null],
    ['text', 'Connection terminated'],
    ['a list', [fromPg('40P01', 'deadlock detected')]],
    ['an empty object', {}],
    ['a numeric code', { code: 40001 }],
  ])('%s', (_what, error) => {
    expect(classifyFault(error)).toBeUndefined();
    expect(describeFault(error)).toBe(
      'The database refused the event for a reason it did not name.',
    );
  });

  test('causes that go in circles come to an end', () => {
    const error = new Error('one');
    error.cause = new Error('two', { cause: error });
    expect(classifyFault(error)).toBeUndefined();
  });
});

describe('the description of a fault', () => {
  test('says what Postgres said, and its SQLSTATE', () => {
    const message =
      'update or delete on table "users" violates foreign key constraint "orders_user_id_fkey" on table "orders"';
    expect(describeFault(fromPrisma('P2010', '23503', message))).toBe(
      `${message} (SQLSTATE 23503)`,
    );
    expect(describeFault(fromPg('42P01', 'relation "clerk.users" does not exist'))).toBe(
      'relation "clerk.users" does not exist (SQLSTATE 42P01)',
    );
  });

  // Each message as Postgres 18 writes it.
  test.each([
    [
      '22P02',
      `invalid input syntax for type integer: "${SECRET}"`,
      'invalid input syntax for type integer',
    ],
    ['22P02', `invalid input syntax for type json`, 'invalid input syntax for type json'],
    ['22P02', `malformed array literal: "{${SECRET}"`, 'malformed array literal'],
    [
      '22P02',
      `invalid input value for enum mood: "${SECRET}"`,
      'invalid input value for enum mood',
    ],
    [
      '22007',
      `invalid input syntax for type timestamp with time zone: "${SECRET}"`,
      'invalid input syntax',
    ],
    [
      '22008',
      `date/time field value out of range: "${SECRET}"`,
      'date/time field value out of range',
    ],
    [
      '22003',
      `value "${SECRET}" is out of range for type integer`,
      'is out of range for type integer',
    ],
    [
      '22003',
      `"${SECRET}" is out of range for type double precision`,
      'is out of range for type double precision',
    ],
    ['22P02', `invalid input syntax for type integer: "a "${SECRET}" b"`, 'invalid input syntax'],
    [
      '22P02',
      `invalid input syntax for type integer: "two\nlines "${SECRET}`,
      'invalid input syntax',
    ],
    ['22P05', 'unsupported Unicode escape sequence', 'unsupported Unicode escape sequence'],
    [
      '22021',
      'invalid byte sequence for encoding "UTF8": 0x00',
      'invalid byte sequence for encoding',
    ],
    [
      '22001',
      'value too long for type character varying(10)',
      'value too long for type character varying(10)',
    ],
  ])('never quotes a value that Postgres quotes (%s: %s)', (code, message, kept) => {
    for (const error of [fromPg(code, message), fromPrisma('P2010', code, message)]) {
      const shown = describeFault(error);
      expect(shown).not.toContain(SECRET);
      expect(shown).toContain(kept);
      expect(shown).toContain(`(SQLSTATE ${code})`);
    }
  });

  test('never holds the detail, which quotes whole rows', () => {
    const error = Object.assign(
      fromPg('23505', 'duplicate key value violates unique constraint "users_pkey"'),
      {
        detail: `Key (email)=(${SECRET}) already exists.`,
      },
    );
    expect(describeFault(error)).not.toContain(SECRET);
  });

  test("is Postgres's own message, not Prisma's, which shows code", () => {
    const error = fromPrisma('P2010', '40P01', 'deadlock detected');
    expect(describeFault(error)).toBe('deadlock detected (SQLSTATE 40P01)');
  });
});

function withCode<E extends Error>(error: E, code: string): E {
  return Object.assign(error, { code });
}

/** As pg throws it. */
function fromPg(code: string, message: string) {
  return Object.assign(withCode(new Error(message), code), { severity: 'ERROR', routine: 'x' });
}

/** As @prisma/adapter-pg throws it. */
function fromAdapter(cause: object) {
  return Object.assign(new Error(`DriverAdapterError`), { name: 'DriverAdapterError', cause });
}

/** As the Prisma client throws it. */
function prismaError(code: string, message: string, meta: unknown) {
  return Object.assign(
    new Error(`\nInvalid \`prisma.$executeRawUnsafe()\` invocation:\n${message}`),
    {
      name: 'PrismaClientKnownRequestError',
      clientVersion: '7.10.0',
      code,
      meta,
    },
  );
}

/** A raw query that failed under the driver adapter: Postgres's own error is deep within. */
function fromPrisma(code: string, originalCode: string, originalMessage: string) {
  const cause = { kind: 'postgres', originalCode, originalMessage };
  const message = `Raw query failed. Code: \`${originalCode}\`. Message: \`${originalMessage}\``;
  return prismaError(code, message, { driverAdapterError: fromAdapter(cause) });
}
