/** Which user has an address, a username or an external id. Read from the users when it is first asked. */
import { type Collection, type Item, readItem } from './collection.js';

export type Identifier = 'email_address' | 'external_id' | 'username';

export interface IdentifierIndex {
  find: (identifier: Identifier, value: string) => string | undefined;
  /** After a user was put or removed. */
  refresh: (userId: string) => void;
}

export function createIdentifierIndex(users: Collection): IdentifierIndex {
  let owners: Map<string, string> | undefined;
  const keysOf = new Map<string, string[]>();
  const learn = (index: Map<string, string>, item: Item) => {
    const keys = identifiersOf(item);
    keysOf.set(item.id, keys);
    for (const key of keys) index.set(key, item.id);
  };
  const build = () => {
    const index = new Map<string, string>();
    for (const item of users.slice(0, users.size)) learn(index, item);
    return index;
  };
  return {
    find: (identifier, value) => (owners ??= build()).get(keyOf(identifier, value)),
    refresh: (userId) => {
      if (!owners) return;
      for (const key of keysOf.get(userId) ?? []) owners.delete(key);
      keysOf.delete(userId);
      const item = users.get(userId);
      if (item) learn(owners, item);
    },
  };
}

function identifiersOf(item: Item): string[] {
  const { email_addresses: emails, external_id: externalId, username } = readItem(item);
  const addresses = (emails as { email_address: string }[]).map((email) => email.email_address);
  return [
    ...addresses.map((address) => keyOf('email_address', address)),
    ...(typeof externalId === 'string' ? [keyOf('external_id', externalId)] : []),
    ...(typeof username === 'string' ? [keyOf('username', username)] : []),
  ];
}

function keyOf(identifier: Identifier, value: string): string {
  return `${identifier} ${identifier === 'external_id' ? value : value.toLowerCase()}`;
}
