/** Each document of a batch goes to Postgres once, and every column finds its part of it. */
import { collectDocuments } from '../../src/db/documents.js';

const organization = { id: 'org_1', name: 'Söder & "Co"' };
const data = { id: 'orgmem_1', organization, public_metadata: {}, role: 'org:admin' };
const envelope = { type: 'organizationMembership.created', data, timestamp: 1 };
const text = `{ "data" : ${JSON.stringify(data)}, "type": "organizationMembership.created", "timestamp": 1 }`;

function resolve(json: string, place: { document: number; path: readonly string[] } | null) {
  if (!place) return null;
  const documents = JSON.parse(json) as unknown[];
  return place.path.reduce(
    (value, key) => (value as Record<string, unknown>)[key], // the paths are those of the parts above
    documents[place.document],
  );
}

test('the whole event, its data and the objects in it are found in the text that came', () => {
  const documents = collectDocuments([
    { value: { other: true }, text: '{"other":true}' },
    { value: envelope, text },
  ]);
  const places = [envelope, data, organization].map((part) => documents.place(part));
  expect(places).toEqual([
    { document: 1, path: [] },
    { document: 1, path: ['data'] },
    { document: 1, path: ['data', 'organization'] },
  ]);
  expect(documents.toText()).toBe(`[{"other":true},${text}]`);
  expect(places.map((place) => resolve(documents.toText(), place))).toEqual([
    envelope,
    data,
    organization,
  ]);
});

test('what is no part of them, a copy for instance, is added, once for each', () => {
  const documents = collectDocuments([{ value: envelope, text }]);
  const scrubbed = { ...data, role: null };
  const place = documents.place(scrubbed);
  expect(place).toEqual({ document: 1, path: [] });
  expect(documents.place('a text')).toEqual({ document: 2, path: [] });
  expect(resolve(documents.toText(), place)).toEqual(scrubbed);
});

test('null has no place, and an event without data has no parts', () => {
  const documents = collectDocuments([
    { value: { data: 'odd' }, text: '{"data":"odd"}' },
    { value: null, text: 'null' },
  ]);
  expect([documents.place(null), documents.place(undefined)]).toEqual([null, null]);
  expect(documents.toText()).toBe('[{"data":"odd"},null]');
});
