/** Clerk's user as a row: the one that our own worker writes, so that only the way there differs, or the few columns that tutorials have. */
import { type Prisma } from '../../src/db/generated/client.js';

/** Clerk's user as webhooks and the Backend API have it; of all its fields, those that columns need. */
export interface ClerkUser {
  id: string;
  email_addresses: { id: string; email_address: string }[];
  primary_email_address_id: string | null;
  phone_numbers?: { id: string; phone_number: string }[];
  primary_phone_number_id?: string | null;
  first_name?: string | null;
  last_name?: string | null;
  username?: string | null;
  image_url?: string | null;
  external_id?: string | null;
  last_sign_in_at?: number | null;
  public_metadata?: Prisma.InputJsonObject & { role?: string };
  private_metadata?: Prisma.InputJsonObject;
  unsafe_metadata?: Prisma.InputJsonObject;
  created_at: number;
  updated_at: number;
}

export function toUserRow(user: ClerkUser, columns: 'all' | 'few' = 'all') {
  return columns === 'few' ? toShortRow(user) : toWholeRow(user);
}

function toShortRow(user: ClerkUser) {
  const email = user.email_addresses.find(({ id }) => id === user.primary_email_address_id);
  return {
    id: user.id,
    email: email?.email_address ?? null,
    firstName: user.first_name ?? null,
    lastName: user.last_name ?? null,
    imageUrl: user.image_url ?? null,
    createdAt: new Date(user.created_at),
    updatedAt: new Date(user.updated_at),
  } satisfies Prisma.UserCreateInput;
}

function toWholeRow(user: ClerkUser) {
  const phone = user.phone_numbers?.find(({ id }) => id === user.primary_phone_number_id);
  return {
    ...toShortRow(user),
    username: user.username ?? null,
    phone: phone?.phone_number ?? null,
    role: user.public_metadata?.role ?? 'client',
    externalId: user.external_id ?? null,
    status: 'active',
    lastSignInAt: user.last_sign_in_at ? new Date(user.last_sign_in_at) : null,
    publicMetadata: user.public_metadata ?? {},
    privateMetadata: user.private_metadata ?? {},
    unsafeMetadata: user.unsafe_metadata ?? {},
    syncedAt: new Date(),
    data: user as unknown as Prisma.InputJsonObject, // it came as JSON
  } satisfies Prisma.UserCreateInput;
}
