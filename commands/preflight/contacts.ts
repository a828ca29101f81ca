import {
  type Contacts,
  contactsOf,
  readSubscribed,
  type Subscribed,
  unconfirmedContacts,
} from '../integration/contacts.ts';
import { counted } from '../shared/format.ts';
import { type Check, noted, stageFlag } from './check.ts';
import { type Finding, no, yes } from './finding.ts';

const WHAT = 'contacts';

export const contacts: Check = {
  what: WHAT,
  async run({ stage, integrations }) {
    // Another check reports a document that cannot be read.
    const deployed = await integrations.catch(() => undefined);
    const wanted = deployed === undefined ? new Map() : contactsOf(deployed.document);
    return [judgeContacts(wanted, wanted.size === 0 ? [] : await readSubscribed(stage), stageFlag(stage))];
  },
};

/** Every contact has confirmed that it receives mails. @param flag the stage's, for the command */
export function judgeContacts(wanted: Contacts, subscribed: readonly Subscribed[], flag: string): Finding {
  if (wanted.size === 0) return yes(WHAT, 'no integration has any');
  const unconfirmed = unconfirmedContacts(wanted, subscribed);
  if (unconfirmed.length === 0) return yes(WHAT, `confirmed: ${counted(wanted.size, 'address', 'addresses')}`);
  return no(
    WHAT,
    `not confirmed: ${unconfirmed.join(', ')}`,
    noted(`./ltw integration validate ${flag}`, 'sends the mail with the link again'),
  );
}
