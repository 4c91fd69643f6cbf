/** What the `data` of each event type is, as it reaches the queue and the ledger: Clerk's own types, less what is dropped before. Types only. */
import { type WebhookEvent } from '@clerk/backend/webhooks';
import { type ForbiddenKey, type ForbiddenPath, type MetadataKey } from '../redaction.js';
import { type EventType } from './event-types.js';

/** `user` for `user.created`. */
export type EventFamily = EventType extends `${infer Family}.${string}` ? Family : never;

/** As Clerk has it, whichever of its events come one by one or several to a type. */
type ClerkData<T extends EventType, Event = WebhookEvent> = Event extends WebhookEvent
  ? T extends Event['type']
    ? Event['data']
    : never
  : never;

/** Clerk sends these, and its types leave them out. */
interface Untyped {
  'session.pending': ClerkData<'session.created'>;
}

type DataOf<T extends EventType> = T extends keyof Untyped ? Untyped[T] : ClerkData<T>;

/** `private_metadata` is the one that may be missing as a whole (STORE_PRIVATE_METADATA). */
type Redacted<T, Path extends string> = T extends readonly (infer Item)[]
  ? Redacted<Item, never>[]
  : T extends object
    ? {
        [
          K in keyof T as K extends ForbiddenKey | Path | 'private_metadata' ? never : K
        ]: K extends MetadataKey ? T[K] : Redacted<T[K], Below<Path, K>>;
      } & PrivateMetadata<T>
    : T;

type PrivateMetadata<T> = T extends { private_metadata?: infer Metadata }
  ? { private_metadata?: Metadata }
  : unknown;

/** `url` for `invitation.url` below `invitation`. */
type Below<Path extends string, K> = K extends string
  ? Path extends `${K}.${infer Rest}`
    ? Rest
    : never
  : never;

/** The `data` of an event of this type. */
export type EventData<T extends EventType> = T extends EventType
  ? Redacted<DataOf<T>, ForbiddenPath<T extends `${infer Family}.${string}` ? Family : never>>
  : never;
