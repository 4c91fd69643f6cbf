/** What a builder is given, and the rules that make several events about one entity read like one history. */
import type { EventType } from '../event-types.js';
import { deriveId, type Random, sampleId, seededRandom } from './random.js';

export interface Draw {
  type: EventType;
  random: Random;
  /** Event time, in ms: `now` plus a second for each version. */
  at: number;
  version: number;
  instanceId: string;
  entityId: string | undefined;
  userId: string | undefined;
  organizationId: string | undefined;
}

export type Builder = (draw: Draw) => Record<string, unknown>;

/** The id of the entity that the event is about. */
export function drawEntityId(draw: Draw, prefix: string): string {
  return draw.entityId ?? sampleId(prefix, draw.random);
}

/** The user that `id` belongs to: the one asked for, else one that follows from the id. */
export function parentUserId(draw: Draw, id: string): string {
  return draw.userId ?? deriveId('user', id);
}

export function parentOrganizationId(draw: Draw, id: string): string {
  return draw.organizationId ?? deriveId('org', id);
}

/** Chance that is the same for each event about the entity. `aspect` keeps one use from shifting another. */
export function chanceOf(id: string, aspect: string): Random {
  return seededRandom(`${id}/${aspect}`);
}

/** Creation time from the id, so that it is the same whenever an event is made; never after the event. */
export function createdAtOf(id: string, at: number): number {
  const created =
    EARLIEST_MS + Math.floor(chanceOf(id, 'created_at')() * (LATEST_MS - EARLIEST_MS));
  return Math.min(created, at);
}

const EARLIEST_MS = Date.UTC(2022, 0, 1);
const LATEST_MS = Date.UTC(2023, 9, 1);
