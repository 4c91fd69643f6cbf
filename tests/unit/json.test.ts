/** JSON from strangers: what Postgres cannot hold never gets through. */
import fc from 'fast-check';
import { parseClean, scanJson } from '../../src/clerk/json.js';

const REPLACEMENT = '\uFFFD';

describe('a character that Postgres cannot hold becomes U+FFFD', () => {
  test.each([
    ['NUL', String.raw`"a\u0000b"`, `a${REPLACEMENT}b`],
    ['two NULs', String.raw`"\u0000\u0000"`, REPLACEMENT.repeat(2)],
    ['a high surrogate alone', String.raw`"a\uD83Db"`, `a${REPLACEMENT}b`],
    ['a low surrogate alone', String.raw`"\ude00"`, REPLACEMENT],
    ['a pair the wrong way round', String.raw`"\uDE00\uD83D"`, REPLACEMENT.repeat(2)],
    [
      'halves of a pair in two strings',
      String.raw`["\uD83D","\uDE00"]`,
      [REPLACEMENT, REPLACEMENT],
    ],
    ['a high surrogate at the end', String.raw`"x\uDBFF"`, `x${REPLACEMENT}`],
  ])('in a value: %s', (_name, text, clean) => {
    expect(parseClean(text)).toEqual(clean);
  });

  test('in keys, at any depth and in arrays', () => {
    const text = String.raw`{"a\u0000":[{"b\ud800":{"c":["d\u0000",{"\u0000":1}]}}]}`;
    expect(parseClean(text)).toEqual({
      [`a${REPLACEMENT}`]: [
        { [`b${REPLACEMENT}`]: { c: [`d${REPLACEMENT}`, { [REPLACEMENT]: 1 }] } },
      ],
    });
  });
});

describe('everything else comes through as it was:', () => {
  test.each([
    ['a whole pair, escaped', String.raw`"\ud83d\ude00"`, '😀'],
    ['a whole pair beside a NUL', String.raw`"\ud83d\ude00\u0000"`, `😀${REPLACEMENT}`],
    ['a whole pair, as it is', '"😀"', '😀'],
    ['an escaped backslash before u0000', String.raw`"\\u0000"`, String.raw`\u0000`],
    ['other control characters', String.raw`"\u0001\t\n"`, '\u0001\t\n'],
    ['U+FFFD itself', `"${REPLACEMENT}"`, REPLACEMENT],
    [
      'numbers, null and booleans beside a NUL',
      String.raw`[1,null,true,"\u0000"]`,
      [1, null, true, REPLACEMENT],
    ],
  ])('%s', (_name, text, value) => {
    expect(parseClean(text)).toEqual(value);
  });
});

describe('a __proto__ key is a key like any other', () => {
  test.each([
    ['plain', String.raw`{"__proto__":{"admin":true},"x":{}}`],
    ['on the way that cleans', String.raw`{"__proto__":{"admin":true},"x":{},"y":"\u0000"}`],
  ])('%s', (_name, text) => {
    const value = Object(parseClean(text));
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toContain('__proto__');
    expect(value.admin).toBeUndefined();
    expect(Object(value.x).admin).toBeUndefined();
    expect(Object({}).admin).toBeUndefined();
  });
});

test.each(['', '{', 'undefined', "{'a':1}", String.raw`{"a":"\u0000"`])(
  '%j is not JSON',
  (text) => {
    expect(() => parseClean(text)).toThrow(SyntaxError);
  },
);

describe('depth', () => {
  test.each([
    ['200 arrays are not too deep', '['.repeat(200) + ']'.repeat(200), false],
    ['201 arrays are', '['.repeat(201) + ']'.repeat(201), true],
    ['200 objects are not too deep', '{"a":'.repeat(200) + '1' + '}'.repeat(200), false],
    ['201 objects are', '{"a":'.repeat(201) + '1' + '}'.repeat(201), true],
    ['arrays and objects count together', '[{"a":'.repeat(101) + '1' + '}]'.repeat(101), true],
    ['a million levels are, and are counted without a stack', '['.repeat(1_000_000), true],
    ['a long flat list is not deep', `[${'[],'.repeat(50_000)}[]]`, false],
    ['brackets within strings do not count', JSON.stringify('['.repeat(500)), false],
    ['nor do those after an escaped quote', JSON.stringify(`"${'{'.repeat(500)}`), false],
    [
      'nor those after an escaped backslash and quote',
      JSON.stringify(`\\"${'['.repeat(500)}`),
      false,
    ],
    ['those after a string that ends in a backslash do', `["\\\\",${'['.repeat(300)}`, true],
  ])('%s', (_name, text, isDeep) => {
    expect(scanJson(text).isTooDeep).toBe(isDeep);
  });
});

describe('what Postgres can hold as it is', () => {
  test.each([
    ['plain JSON', '{"a":[1,-2.5,true,false,null,"e1e5"]}', true],
    ['escapes that are harmless', String.raw`{"a":"\\u0000 \u00e9 \n \"quoted\" \\"}`, true],
    ['a NUL', String.raw`{"a":"\u0000"}`, false],
    ['half a surrogate pair, in capitals', String.raw`{"a":"\uD83D"}`, false],
    ['a NUL in a key, behind an escaped backslash', String.raw`{"\\\u0000":1}`, false],
    ['a number beyond every double', '[1e400]', false],
    ['a number with an exponent, in capitals', '{"a":1E5}', false],
    ['a number of 400 digits', `[${'9'.repeat(400)}]`, true],
    ['a number of 401 digits', `[${'9'.repeat(401)}]`, false],
    ['401 digits in a text', `["${'9'.repeat(401)}"]`, true],
    ['many short numbers', `[${'1234567890,'.repeat(100)}0]`, true],
  ])('%s', (_name, text, isHoldable) => {
    expect(scanJson(text).isHoldable).toBe(isHoldable);
  });

  test('is found out of any texts, wherever they are escaped', () => {
    const strings = fc.string({ unit: 'binary', maxLength: 40 });
    const escaped = fc.constantFrom('\0', '\ud83d', '\\', '"', '\\u0000', '\n', 'é😀');
    const texts = fc.oneof(
      strings,
      fc.array(fc.oneof(strings, escaped)).map((parts) => parts.join('')),
    );
    const counts = { true: 0, false: 0 };
    fc.assert(
      fc.property(fc.array(fc.oneof(texts, fc.dictionary(texts, texts))), (value) => {
        const strings = value.flatMap((item) =>
          typeof item === 'string' ? [item] : Object.entries(item).flat(),
        );
        const isHoldable = strings.every((text) => text.isWellFormed() && !text.includes('\0'));
        expect(scanJson(JSON.stringify(value)).isHoldable).toBe(isHoldable);
        counts[`${isHoldable}`]++;
      }),
      { numRuns: 1_000 },
    );
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(50);
  });
});
