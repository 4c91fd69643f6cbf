/** `session.*`: a session in the state that the event names, with its user. */
import { chanceOf, createdAtOf, type Draw, drawEntityId, parentUserId } from './draw.js';
import { deriveId, drawChance, drawIndex, drawOne } from './random.js';
import { describeUser } from './users.js';

/** `pending` is missing from the specification's list of states, but is what its `session.pending` is about. */
type SessionStatus = 'active' | 'pending' | 'ended' | 'removed' | 'revoked';

export function buildSession(status: SessionStatus) {
  return (draw: Draw) => {
    const id = drawEntityId(draw, 'sess');
    const userId = parentUserId(draw, id);
    return {
      object: 'session',
      id,
      user_id: userId,
      client_id: deriveId('client', id),
      actor: null,
      status,
      ...(draw.organizationId && { last_active_organization_id: draw.organizationId }),
      last_active_at: draw.at,
      latest_activity: describeActivity(id),
      expire_at: draw.at + WEEK_MS,
      abandon_at: draw.at + 4 * WEEK_MS,
      created_at: createdAtOf(id, draw.at),
      updated_at: draw.at,
      // As first created: nested copies never look newer than the user's own events.
      user: describeUser(userId, { at: createdAtOf(userId, draw.at), version: 0 }),
    };
  };
}

function describeActivity(sessionId: string) {
  const random = chanceOf(sessionId, 'activity');
  const isMobile = drawChance(random, 0.4);
  const [city, country] = drawOne(random, PLACES);
  return {
    object: 'session_activity',
    id: deriveId('sess_activity', sessionId),
    device_type: drawOne(random, isMobile ? ['iPhone', 'Android'] : ['Macintosh', 'Windows']),
    is_mobile: isMobile,
    browser_name: drawOne(random, ['Chrome', 'Safari', 'Firefox', 'Edge']),
    browser_version: `${120 + drawIndex(random, 20)}.0.0`,
    ip_address: `203.0.113.${1 + drawIndex(random, 254)}`,
    city,
    country,
  };
}

// prettier-ignore
const PLACES = [
  ['Kraków', 'PL'], ['Lyon', 'FR'], ['Osaka', 'JP'], ['Austin', 'US'], ['Cork', 'IE'], ['İzmir', 'TR'], ['Huế', 'VN'],
] as const;
const WEEK_MS = 7 * 24 * 3_600_000;
