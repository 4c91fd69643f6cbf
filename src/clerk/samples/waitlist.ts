/** `waitlistEntry.*`: pending at first, decided later, with an invitation if the decision was yes. */
import { chanceOf, createdAtOf, type Draw, drawEntityId } from './draw.js';
import { describePerson } from './people.js';
import { deriveId, drawOne, drawText } from './random.js';

export function buildWaitlistEntry(draw: Draw) {
  return describeEntry(draw, () => 'pending');
}

export function buildDecidedWaitlistEntry(draw: Draw) {
  return describeEntry(draw, (id) =>
    drawOne(chanceOf(id, `status ${draw.version}`), ['invited', 'completed', 'rejected']),
  );
}

type WaitlistStatus = 'pending' | 'invited' | 'completed' | 'rejected';

function describeEntry(draw: Draw, decide: (id: string) => WaitlistStatus) {
  const id = drawEntityId(draw, 'wait');
  const status = decide(id);
  const invited = status === 'invited' || status === 'completed';
  return {
    // Clerk's examples say the one, its specification and SDK the other.
    object: drawOne(chanceOf(id, 'object'), ['waitlistEntry', 'waitlist_entry']),
    id,
    email_address: describePerson(id).email,
    status,
    is_locked: false,
    created_at: createdAtOf(id, draw.at),
    updated_at: draw.at,
    invitation: invited ? describeInvitation(id, status, draw.at) : null,
  };
}

function describeInvitation(entryId: string, status: 'invited' | 'completed', at: number) {
  return {
    object: 'invitation',
    id: deriveId('inv', entryId),
    email_address: describePerson(entryId).email,
    public_metadata: {},
    revoked: false,
    status: status === 'completed' ? 'accepted' : 'pending',
    url: `https://accounts.example.com/tickets?ticket=${drawText(chanceOf(entryId, 'ticket'), 40)}`,
    expires_at: at + THIRTY_DAYS_MS,
    created_at: at,
    updated_at: at,
  };
}

const THIRTY_DAYS_MS = 30 * 24 * 3_600_000;
