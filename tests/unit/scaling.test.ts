/** The tables of docs/scaling.md are what was measured, and nobody edits them by hand. */
import { readFileSync } from 'node:fs';
import { renderSizing } from '../../bench/report/render-sizing.js';
import { fillScaling, SCALING } from '../../bench/report/write-scaling.js';
import { readResults, type ScenarioResult } from '../../bench/results.js';
import { readSizes } from '../../bench/sizes.js';
import { MACHINE } from '../support/bench-machine.js';

const sizes = readSizes();
if (!sizes) throw new Error('bench/results/sizes.json is missing.');
const text = readFileSync(SCALING, 'utf8');

test('docs/scaling.md is what the stored figures make of it, and has a place for each table', () => {
  const results = readResults();
  expect(fillScaling(text, { results, sizes })).toBe(text);
  for (const name of Object.keys(renderSizing({ results, sizes }))) {
    expect(text).toContain(`<!-- ${name}:begin -->`);
  }
});

test('other figures make another page', () => {
  const scenario: ScenarioResult = {
    name: 'worker-rate',
    title: 'Applied',
    unit: 'events/s',
    description: '',
    comparisons: [],
    measuredAt: '2026-01-01T00:00:00.000Z',
    seconds: 1,
    rounds: 1,
    runs: [{ contender: 'clerk-sync', round: 1, sample: { value: 2_000 } }],
  };
  const results = { machine: MACHINE, versions: {}, settings: {}, scenarios: [scenario] };
  const small = { ...sizes, sizes: sizes.sizes.map((one) => ({ ...one, queued: 1_000 })) };
  const filled = fillScaling(text, { results, sizes: small });
  expect(filled).toContain('| worker | 2,000/s | 1, 1, 5 |');
  expect(filled).toContain('| 1 kB | 0.1 GB | 0.0144 GB | 0.144 GB | 1.44 GB | 14.4 GB |');
});
