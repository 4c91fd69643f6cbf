/** Who stands behind an id: the same id is always the same person, in each family of events. */
import { chanceOf } from './draw.js';
import { EMAIL_DOMAINS, NAME_GROUPS, readName } from './names.js';
import { drawChance, drawDigits, drawIndex, drawOne } from './random.js';

export interface Person {
  locale: string;
  firstName: string | null;
  lastName: string | null;
  email: string;
  secondEmail: string;
  username: string;
  phone: string;
  imageUrl: string;
}

/** Everything but the first and last name is the same in all versions. */
export function describePerson(id: string, version = 0): Person {
  const random = chanceOf(id, 'person');
  const group = drawOne(random, NAME_GROUPS);
  const firstIndex = drawIndex(random, group.first.length);
  const first = readName(group.first[firstIndex] ?? group.first[0]);
  const last = readName(drawOne(random, group.last));
  const renamed = group.first[(firstIndex + version) % group.first.length] ?? group.first[0];
  // Clerk sends null names for those who signed up by address alone; the next version has filled them in.
  const unnamed = drawChance(random, 0.08) && version === 0;
  const number = drawDigits(random, 5);
  const domain = drawOne(random, EMAIL_DOMAINS);
  return {
    locale: group.locale,
    firstName: unnamed ? null : readName(renamed).written,
    lastName: unnamed ? null : last.written,
    email: `${first.latin}.${last.latin}${number}@${domain}`,
    secondEmail: `${first.latin.charAt(0)}${last.latin}${drawDigits(random, 6)}@${domain}`,
    username: `${first.latin}_${number}`,
    phone: `+1555${drawDigits(random, 7)}`,
    imageUrl: imageUrlOf(id),
  };
}

export function imageUrlOf(id: string): string {
  return `https://img.example.com/${id}.png`;
}
