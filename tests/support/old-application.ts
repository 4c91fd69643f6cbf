/** People of an application that has used a tutorial's handler for a while, as Clerk has them and as the old table does. */
import { type JsonObject } from './clerk-api/collection.js';
import { type Instance } from './clerk-api/instance.js';

export interface Person {
  id: string;
  email: string;
  first: string;
  last: string;
  name: string;
}

export interface People {
  /** The same in both places. */
  kept: Person;
  /** Has an address by now that the old table lacks. */
  changed: Person;
  /** Is deleted in Clerk, and stands in the old table. */
  gone: Person;
}

export function addPeople(instance: Instance): People {
  return { kept: addPerson(instance), changed: addPerson(instance), gone: addPerson(instance) };
}

export function addPerson(instance: Instance): Person {
  return describePerson(instance.add('users'));
}

/** What happens in Clerk and never reaches the old table. @returns who is new. */
export function missEvents(instance: Instance, { changed, gone }: People): Person {
  const addresses = instance.read('users', changed.id)?.['email_addresses'] as JsonObject[]; // an array in every user
  instance.update('users', changed.id, {
    email_addresses: addresses.map((address) => ({ ...address, email_address: MOVED })),
  });
  instance.remove('users', gone.id);
  return addPerson(instance);
}

const MOVED = 'moved@example.com';

/** As Clerk has them after `missEvents`, in the order of their ids. */
export function listPresent({ kept, changed }: People, lost: Person): Person[] {
  return sortById([kept, { ...changed, email: MOVED }, lost]);
}

export function sortById<T extends { id: string }>(rows: T[]): T[] {
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The rows of an INSERT, in the order in which the people were made. */
export function writeValues(people: People, columns: (person: Person) => string[]): string {
  const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;
  const rows = [people.kept, people.changed, people.gone].map(columns);
  return rows.map((row) => `(${row.map(quote).join(', ')})`).join(', ');
}

function describePerson(user: JsonObject): Person {
  const addresses = user['email_addresses'] as { id: string; email_address: string }[]; // an array in every user
  const primary = addresses.find(({ id }) => id === user['primary_email_address_id']);
  if (!primary) throw new Error('A sample user has a primary address.');
  const [first, last] = [String(user['first_name']), String(user['last_name'])];
  return {
    id: String(user['id']),
    email: primary.email_address,
    first,
    last,
    name: `${first} ${last}`,
  };
}
