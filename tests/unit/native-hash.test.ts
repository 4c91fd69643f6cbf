/** Node's hash in place of svix's own: every verdict and every signature stays what svix says. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { Webhook } from 'svix';
import { hashNatively } from '../../src/clerk/native-hash.js';

const secrets = fc
  .uint8Array({ minLength: 1, maxLength: 100 })
  .map((key) => `whsec_${Buffer.from(key).toString('base64')}`);
const texts = fc.string({ unit: 'grapheme', maxLength: 300 });
const ids = fc.string({ minLength: 1, maxLength: 40 });
/** Within svix's tolerance of five minutes and beyond. */
const offsets = fc.integer({ min: -400, max: 400 });

function createPair(secret: string) {
  const native = new Webhook(secret);
  return { svix: new Webhook(secret), native, isNative: hashNatively(native) };
}

/** What the webhook makes of it: a result, or the error's kind and words. */
function judge(webhook: Webhook, body: string | Buffer, headers: Record<string, string>): unknown {
  try {
    return { verified: webhook.verify(body, headers) };
  } catch (error) {
    return { refused: String(error) };
  }
}

test('it is in use with the svix that is installed', () => {
  expect(createPair('whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4').isNative).toBe(true);
});

test('it signs as svix does, whatever the secret, the id, the time and the text', () => {
  fc.assert(
    fc.property(secrets, ids, fc.date({ noInvalidDate: true }), texts, (secret, id, at, text) => {
      const { svix, native } = createPair(secret);
      expect(native.sign(id, at, text)).toBe(svix.sign(id, at, text));
      expect(native.sign(id, at, Buffer.from(text))).toBe(svix.sign(id, at, text));
    }),
    { numRuns: 500 },
  );
});

test('it judges as svix does: true signatures, forged, aged, mangled, of other texts and other schemes', () => {
  const mangle = fc.constantFrom<(signature: string) => string>(
    (signature) => signature,
    (signature) => `v1,AAAA ${signature}`,
    (signature) => signature.replace('v1', 'v2'),
    (signature) => signature.slice(0, -2),
    (signature) => signature.toLowerCase(),
    () => '',
    () => 'v1',
    () => `v1,${createHash('sha256').update('forged').digest('base64')}`,
  );
  const bodies = fc.oneof(texts, fc.json({ maxDepth: 3 }));
  const verdicts = { verified: 0, refused: 0 };
  fc.assert(
    fc.property(
      fc.record({
        secret: secrets,
        id: ids,
        body: bodies,
        offset: offsets,
        mangle,
        tamper: fc.boolean(),
      }),
      ({ secret, id, body, offset, mangle: change, tamper }) => {
        const { svix, native } = createPair(secret);
        const at = new Date(Date.now() + offset * 1000);
        const headers = {
          'svix-id': id,
          'svix-timestamp': String(Math.floor(at.getTime() / 1000)),
          'svix-signature': change(svix.sign(id, at, body)),
        };
        const received = tamper ? `${body} ` : body;
        const verdict = judge(svix, received, headers);
        expect(judge(native, received, headers)).toEqual(verdict);
        expect(judge(native, Buffer.from(received), headers)).toEqual(verdict);
        verdicts[Object.keys(Object(verdict))[0] as keyof typeof verdicts]++; // as judge has it
      },
    ),
    { numRuns: 2_000 },
  );
  expect(verdicts).toEqual({ verified: expect.any(Number), refused: expect.any(Number) });
  expect(Math.min(...Object.values(verdicts))).toBeGreaterThan(50);
});

test.each([
  [
    'has no inside that can be seen',
    (webhook: Webhook) => Reflect.deleteProperty(webhook, 'inner'),
  ],
  [
    'keeps its key elsewhere',
    (webhook: Webhook) => Reflect.set(Object(Reflect.get(webhook, 'inner')), 'key', 'text'),
  ],
  [
    'signs differently',
    (webhook: Webhook) => Reflect.set(webhook, 'sign', () => 'v3,something else'),
  ],
])('an svix that %s is left as it is', (_what, change) => {
  const webhook = new Webhook('whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4');
  change(webhook);
  const before = { ...Object(Reflect.get(webhook, 'inner')) };
  expect(hashNatively(webhook)).toBe(false);
  expect({ ...Object(Reflect.get(webhook, 'inner')) }).toEqual(before);
});
