/** Milliseconds, with their fractions, of the clock that all threads of a machine share. performance.now() begins anew in each. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
