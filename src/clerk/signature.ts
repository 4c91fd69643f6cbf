/** Svix signatures: verified over raw bytes, before anything is parsed. Pure but for the clock that svix reads for its five-minute tolerance. */
import { isUtf8 } from 'node:buffer';
import { Webhook, WebhookVerificationError } from 'svix';
import { SyncError } from '../errors.js';
import { hashNatively } from './native-hash.js';

/** Header name (lower case) to every value that came under it, as `IncomingMessage.headersDistinct` has it. */
export type DistinctHeaders = Readonly<Record<string, readonly string[] | undefined>>;

/** Svix's own names, and those of the Standard Webhooks specification. When both are whole, Svix's are the ones verified. */
const HEADER_FAMILIES = ['svix', 'webhook'] as const;
/** A rotation needs two. Each further one costs a comparison that anybody could make us do. */
const MAX_SIGNATURES = 16;
const MAX_ID_LENGTH = 256;
/** No event of Clerk's is this large as a rule; what a stranger sends may be, and decoding it would cost five times what hashing does. */
const LARGE_BODY_BYTES = 32 * 1024;

/** A message whose signature is true. */
export interface VerifiedMessage {
  /** The svix-id. */
  id: string;
  text: string;
  /** What `text` says; undefined when it is not JSON. */
  value: unknown;
}

/** Verifies `body` against the headers. Throws `webhook.rejected` with the cause, never the secret. */
export type Verify = (headers: DistinctHeaders, body: Buffer) => VerifiedMessage;

/** @param secrets `whsec_…`, all accepted: Svix signs with the old and the new one for 24 hours after a rotation. */
export function createVerifier(secrets: readonly string[]): Verify {
  const webhooks = secrets.map((secret) => new Webhook(secret));
  webhooks.forEach(hashNatively);
  return (headers, body) => {
    const { id, timestamp, signature } = readSignatureHeaders(headers);
    if (body.length === 0) throw rejected('The body is empty.');
    // svix may decode bytes to text before hashing, so two invalid bodies could share a signature.
    if (!isUtf8(body)) throw rejected('The body is not valid UTF-8.');
    const payload = body.length > LARGE_BODY_BYTES ? body : body.toString('utf8');
    const signed = { 'svix-id': id, 'svix-timestamp': timestamp, 'svix-signature': signature };
    let cause: SyncError | undefined;
    for (const webhook of webhooks) {
      try {
        // svix parses what it has verified: no need to do it twice.
        return { id, value: webhook.verify(payload, signed), text: payload.toString() };
      } catch (error) {
        // These bytes are signed, and not JSON. The next reader says so.
        if (error instanceof SyntaxError) return { id, value: undefined, text: payload.toString() };
        if (!(error instanceof WebhookVerificationError)) throw error;
        cause = rejected(explain(error.message));
      }
    }
    throw cause ?? rejected('No signing secret is configured.');
  };
}

export type SignatureHeaders = Record<'svix-id' | 'svix-timestamp' | 'svix-signature', string>;

/** Signs as Svix does; for `npm run send` and the tests. @returns a function that gives a delivery's three svix-* headers. */
export function createSigner(secret: string) {
  const webhook = new Webhook(secret);
  return (id: string, body: string, at = new Date()): SignatureHeaders => ({
    'svix-id': id,
    'svix-timestamp': String(Math.floor(at.getTime() / 1000)),
    'svix-signature': webhook.sign(id, at, body),
  });
}

function readSignatureHeaders(headers: DistinctHeaders) {
  const names = HEADER_FAMILIES.map((family) => ({
    id: `${family}-id`,
    timestamp: `${family}-timestamp`,
    signature: `${family}-signature`,
  }));
  const isPresent = (name: string) => headers[name] !== undefined;
  const family =
    names.find((n) => Object.values(n).every(isPresent)) ??
    names.find((n) => Object.values(n).some(isPresent)) ??
    names[0];
  if (!family) throw rejected('No signature headers are known.');
  const id = readSingle(headers, family.id);
  const timestamp = readSingle(headers, family.timestamp);
  const signature = readSingle(headers, family.signature);
  if (!/^[\x21-\x7e]+$/.test(id) || id.length > MAX_ID_LENGTH) {
    throw rejected(`Header ${family.id} is not a message id.`);
  }
  if (!/^\d{1,12}$/.test(timestamp)) {
    throw rejected(`Header ${family.timestamp} is not a time in seconds.`);
  }
  if (signature.split(' ').length > MAX_SIGNATURES) {
    throw rejected(`Header ${family.signature} holds more than ${MAX_SIGNATURES} signatures.`);
  }
  return { id, timestamp, signature };
}

function readSingle(headers: DistinctHeaders, name: string): string {
  const [value, ...more] = headers[name] ?? [];
  if (!value) throw rejected(`Header ${name} is missing.`);
  if (more.length > 0) throw rejected(`Header ${name} came more than once.`);
  return value;
}

function explain(cause: string): string {
  if (cause.includes('too old') || cause.includes('too new')) {
    return 'The timestamp is more than 5 minutes off: check the clocks, or send the message anew.';
  }
  return 'The signature does not match: check that the signing secret is the one of this endpoint and that no proxy changes the body.';
}

function rejected(message: string): SyncError {
  return new SyncError('webhook.rejected', message);
}
