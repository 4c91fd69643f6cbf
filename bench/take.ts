/** Some of a stream; the rest stays for later, unlike with a `break` out of `for … of`. */
export function* take<T>(
  stream: Generator<T, void, undefined>,
  count: number,
): Generator<T, void, undefined> {
  for (let taken = 0; taken < count; taken += 1) {
    const next = stream.next();
    if (next.done) return;
    yield next.value;
  }
}
