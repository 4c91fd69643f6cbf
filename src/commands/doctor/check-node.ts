/** Node itself, against what package.json asks for. */
import { readFileSync } from 'node:fs';
import { bad, ok, type Finding } from './finding.js';

const PACKAGE = new URL('../../../package.json', import.meta.url);

export async function checkNode(): Promise<Finding[]> {
  const { engines } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { engines: { node: string } }; // ours
  return [judgeNode(process.versions.node, engines.node)];
}

/** @param range `>=20.19.0` */
export function judgeNode(version: string, range: string): Finding {
  const minimum = range.replace(/^>=/, '');
  if (compareVersions(version, minimum) >= 0) return ok(version);
  return bad(`${version} is older than ${minimum}`, `Install Node ${minimum} or newer.`);
}

/** Negative when `a` is the older one. What follows a dash counts for nothing. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [toNumbers(a), toNumbers(b)];
  const differing = [0, 1, 2].find((part) => left[part] !== right[part]);
  return differing === undefined ? 0 : (left[differing] ?? 0) - (right[differing] ?? 0);
}

function toNumbers(version: string): number[] {
  const parts = (version.split('-')[0] ?? '').split('.').map(Number);
  return [0, 1, 2].map((part) => parts[part] ?? 0);
}
