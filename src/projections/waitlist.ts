/** waitlistEntry.* -> waitlist_entries. Pure. */
import { isRecord } from '../record.js';
import { stateOf } from './entity.js';
import { readFlag, readText } from './read.js';

export const waitlistEntryChanged = stateOf('waitlist_entry', (data) => {
  const invitation = data['invitation'];
  return {
    columns: {
      email: readText(data['email_address']),
      status: readText(data['status']),
      is_locked: readFlag(data['is_locked']),
      invitation_id: isRecord(invitation) ? readText(invitation['id']) : null,
    },
  };
});
