/** Reads an OTLP trace export from its bytes. Source: opentelemetry-proto, trace/v1/trace.proto; protobuf's encoding. */

export interface CollectedSpan {
  service: string;
  resource: Record<string, unknown>;
  scope: string;
  traceId: string;
  spanId: string;
  /** Empty: a root. */
  parentSpanId: string;
  name: string;
  kind: number;
  /** Nanoseconds. */
  startedAt: bigint;
  endedAt: bigint;
  attributes: Record<string, unknown>;
  events: { name: string; attributes: Record<string, unknown> }[];
  links: { traceId: string; spanId: string }[];
  status: { code: number; message: string };
}

/** @param body an ExportTraceServiceRequest. */
export function readSpans(body: Buffer): CollectedSpan[] {
  return allOf(readMessage(body), 1).flatMap((resourceSpans) => {
    const described = readMessage(resourceSpans);
    const resource = readAttributes(readMessage(oneOf(described, 1)), 1);
    return allOf(described, 2).flatMap((scopeSpans) => {
      const scoped = readMessage(scopeSpans);
      const scope = textOf(readMessage(oneOf(scoped, 1)), 1);
      return allOf(scoped, 2).map((span) => ({
        service: String(resource['service.name']),
        resource,
        scope,
        ...readSpan(readMessage(span)),
      }));
    });
  });
}

function readSpan(span: Message): Omit<CollectedSpan, 'service' | 'resource' | 'scope'> {
  const status = readMessage(oneOf(span, 15));
  return {
    traceId: oneOf(span, 1).toString('hex'),
    spanId: oneOf(span, 2).toString('hex'),
    parentSpanId: oneOf(span, 4).toString('hex'),
    name: textOf(span, 5),
    kind: Number(numberOf(span, 6)),
    startedAt: oneOf(span, 7).readBigUInt64LE(),
    endedAt: oneOf(span, 8).readBigUInt64LE(),
    attributes: readAttributes(span, 9),
    events: allOf(span, 11)
      .map(readMessage)
      .map((event) => ({ name: textOf(event, 2), attributes: readAttributes(event, 3) })),
    links: allOf(span, 13)
      .map(readMessage)
      .map((link) => ({
        traceId: oneOf(link, 1).toString('hex'),
        spanId: oneOf(link, 2).toString('hex'),
      })),
    status: { message: textOf(status, 2), code: Number(numberOf(status, 3)) },
  };
}

/** Field number -> its values: bytes, or the number of a varint. */
type Message = Map<number, (Buffer | bigint)[]>;

const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

function readMessage(bytes: Buffer): Message {
  const message: Message = new Map();
  let offset = 0;
  const readVarint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(offset++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const readBytes = (length: number): Buffer => {
    if (offset + length > bytes.length) throw new Error('A field is longer than its message.');
    return bytes.subarray(offset, (offset += length));
  };
  while (offset < bytes.length) {
    const tag = Number(readVarint());
    const wireType = tag & 7;
    const fixed = FIXED_BYTES[wireType];
    if (fixed === undefined && wireType !== 0 && wireType !== 2) {
      throw new Error(`Wire type ${wireType} is unknown.`);
    }
    const value = wireType === 0 ? readVarint() : readBytes(fixed ?? Number(readVarint()));
    message.set(tag >> 3, [...(message.get(tag >> 3) ?? []), value]);
  }
  return message;
}

function readAttributes(message: Message, field: number): Record<string, unknown> {
  const pairs = allOf(message, field).map(readMessage);
  return Object.fromEntries(
    pairs.map((pair) => [textOf(pair, 1), readValue(readMessage(oneOf(pair, 2)))]),
  );
}

function readValue(value: Message): unknown {
  const [[kind, [content]] = [0, []]] = value;
  if (kind === 1) return String(content);
  if (kind === 2) return content === 1n;
  if (kind === 3) return Number(content);
  if (kind === 4 && Buffer.isBuffer(content)) return content.readDoubleLE();
  throw new Error(`Attributes of kind ${kind} are not ours.`);
}

function allOf(message: Message, field: number): Buffer[] {
  return (message.get(field) ?? []).filter((value) => Buffer.isBuffer(value));
}

function oneOf(message: Message, field: number): Buffer {
  return allOf(message, field)[0] ?? Buffer.alloc(0);
}

function textOf(message: Message, field: number): string {
  return oneOf(message, field).toString('utf8');
}

function numberOf(message: Message, field: number): bigint {
  const value = message.get(field)?.[0] ?? 0n;
  if (typeof value === 'bigint') return value;
  throw new Error('A number was expected.');
}
