/** A part of the statement by which a batch is written, and the records that it reads as its parameter. */
export interface WritePart {
  /** `documents` and `records` are the parameters' names. */
  toSql: (names: { documents: string; records: string }) => string;
  records: readonly unknown[];
}
