/** `role.*` and `permission.*`: what the members of an organization may do. */
import { chanceOf, createdAtOf, type Draw, drawEntityId } from './draw.js';
import { deriveId, drawChance, drawDigits, drawOne } from './random.js';

export function buildRole(draw: Draw) {
  const id = drawEntityId(draw, 'role');
  const random = chanceOf(id, 'role');
  const name = drawOne(random, ['Billing manager', 'Editor', 'Auditor', 'Guest', 'Team lead']);
  const createdAt = createdAtOf(id, draw.at);
  const permissionIds = ['first', 'second'].map((which) => deriveId('perm', `${id}/${which}`));
  return {
    object: 'role',
    id,
    name,
    key: `org:${toKey(name)}_${drawDigits(random, 5)}`,
    description: drawChance(random, 0.8) ? `${name}, revision ${draw.version}` : null,
    is_creator_eligible: drawChance(random, 0.3),
    // As first created: nested copies never look newer than the permissions' own events.
    permissions: permissionIds.map((permissionId) =>
      describePermission(permissionId, { at: createdAtOf(permissionId, draw.at), version: 0 }),
    ),
    created_at: createdAt,
    updated_at: draw.at,
  };
}

export function buildPermission(draw: Draw) {
  return describePermission(drawEntityId(draw, 'perm'), draw);
}

export function buildDeletedRole(draw: Draw) {
  return dropOrKeep(buildRole(draw));
}

export function buildDeletedPermission(draw: Draw) {
  return dropOrKeep(buildPermission(draw));
}

function describePermission(id: string, { at, version }: { at: number; version: number }) {
  const random = chanceOf(id, 'permission');
  const feature = drawOne(random, ['Invoices', 'Reports', 'Projects', 'Webhooks', 'Exports']);
  const action = drawOne(random, ['read', 'manage', 'delete']);
  return {
    object: 'permission',
    id,
    name: `${feature}: ${action}`,
    key: `org:${toKey(feature)}_${drawDigits(random, 5)}:${action}`,
    description: `May ${action} ${feature.toLowerCase()}, revision ${version}`,
    type: 'user',
    created_at: createdAtOf(id, at),
    updated_at: at,
  };
}

/** Clerk's specification sends the deleted object here, the SDK's types the whole one: both occur. */
function dropOrKeep<T extends { object: string; id: string }>(whole: T) {
  const deleted = { object: whole.object, id: whole.id, deleted: true };
  return drawChance(chanceOf(whole.id, 'deleted'), 0.5) ? deleted : whole;
}

function toKey(name: string): string {
  return name.toLowerCase().replaceAll(' ', '_');
}
