import {
  GetSubscriptionAttributesCommand,
  paginateListSubscriptionsByTopic,
  SetSubscriptionAttributesCommand,
  SubscribeCommand,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns';
import { isRecord, parseJson } from '../../lambdas/shared/json.ts';
import { CommandFailed } from '../shared/failures.ts';
import type { Stage } from '../shared/stage.ts';
import { type IntegrationsDocument, readEntry } from './integrations-document.ts';

/** The integrations about which an address receives mails, by the address in lower case. */
export type Contacts = ReadonlyMap<string, readonly string[]>;

/** A mail subscription of the topic. */
export interface Subscribed {
  /** In lower case. */
  readonly address: string;
  /** The endpoint as SNS has it. */
  readonly endpoint: string;
  /** Absent until it is confirmed: SNS lists no ARN before. */
  readonly arn?: string;
  /** By its filter. Absent until it is confirmed, or if an operator subscribed it without a filter of this command's form. */
  readonly integrationIds?: readonly string[];
}

/** What SNS returns in place of an ARN. */
const PENDING = 'PendingConfirmation';
const DELETED = 'Deleted';

/** The contacts of all entries that fit. */
export function contactsOf({ entries }: IntegrationsDocument): Contacts {
  const contacts = new Map<string, string[]>();
  for (const entry of entries) {
    const read = readEntry(entry);
    if ('faults' in read) continue;
    for (const contact of read.integration.contacts) {
      const address = contact.toLowerCase();
      contacts.set(address, [...(contacts.get(address) ?? []), read.integration.id].toSorted());
    }
  }
  return contacts;
}

/** The mail subscriptions of the stage's contacts. @throws OutputMissing; the client's errors */
export async function readSubscribed(stage: Stage): Promise<readonly Subscribed[]> {
  const found: Subscribed[] = [];
  const pages = paginateListSubscriptionsByTopic({ client: stage.sns }, { TopicArn: stage.output('ContactTopicArn') });
  for await (const { Subscriptions = [] } of pages) {
    for (const { Protocol, Endpoint: endpoint = '', SubscriptionArn: arn = DELETED } of Subscriptions) {
      if (Protocol !== 'email' || arn === DELETED) continue;
      const address = endpoint.toLowerCase();
      if (arn === PENDING) found.push({ address, endpoint });
      else found.push({ address, endpoint, arn, ...(await filterOf(arn, stage)) });
    }
  }
  return found;
}

async function filterOf(arn: string, { sns }: Stage): Promise<Pick<Subscribed, 'integrationIds'>> {
  const { Attributes } = await sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn: arn }));
  const policy = parseJson(Attributes?.FilterPolicy ?? '');
  const ids = isRecord(policy) ? policy.integration_id : undefined;
  return Array.isArray(ids) ? { integrationIds: ids.map(String) } : {};
}

export interface ContactChanges {
  /** Addresses to subscribe, and those to ask again, which have not confirmed. */
  readonly ask: readonly string[];
  /** Confirmed subscriptions whose filter names other integrations. */
  readonly change: readonly Subscribed[];
  /** Confirmed subscriptions of addresses that are no contacts any more. */
  readonly remove: readonly Subscribed[];
  /** Addresses that are no contacts, and have not confirmed: SNS deletes them after three days, and no call does before. */
  readonly expiring: readonly string[];
}

/** What differs between contacts and subscriptions. Subscriptions without this command's filter stay as they are. */
export function contactChanges(wanted: Contacts, subscribed: readonly Subscribed[]): ContactChanges {
  const confirmed = new Map(subscribed.filter(({ arn }) => arn !== undefined).map((one) => [one.address, one]));
  const own = [...confirmed.values()].filter(({ integrationIds }) => integrationIds !== undefined);
  return {
    ask: [...wanted.keys()].filter((address) => !confirmed.has(address)),
    change: own.filter(({ address, integrationIds }) => {
      const ids = wanted.get(address);
      return ids !== undefined && ids.join() !== integrationIds?.toSorted().join();
    }),
    remove: own.filter(({ address }) => !wanted.has(address)),
    expiring: subscribed
      .filter(({ arn, address }) => arn === undefined && !wanted.has(address))
      .map((one) => one.address),
  };
}

/** Contacts that receive no mail yet. */
export function unconfirmedContacts(wanted: Contacts, subscribed: readonly Subscribed[]): readonly string[] {
  return contactChanges(wanted, subscribed).ask;
}

/**
 * Subscribes the contacts of a document to the stage's mails, and unsubscribes those that are none any more. Each new address
 * has to confirm by a mail of SNS, which this sends again to those that have not.
 *
 * @param id changes nothing about contacts of other integrations
 * @returns a line about each address that has to confirm, or was removed
 * @throws CommandFailed; the client's errors
 */
export async function subscribeContacts(
  document: IntegrationsDocument,
  stage: Stage,
  id?: string,
): Promise<readonly string[]> {
  const contacts = contactsOf(document);
  const wanted = new Map([...contacts].filter(([, ids]) => id === undefined || ids.includes(id)));
  // A stack of an older version has no topic, which a document without contacts does not need.
  if (wanted.size === 0 && (id !== undefined || !hasTopic(stage))) return [];
  const subscribed = await readSubscribed(stage);
  const { ask, ...others } = contactChanges(wanted, subscribed);
  // The contacts of an entry that does not fit are not known.
  const isWhole = document.entries.every((entry) => 'integration' in readEntry(entry));
  const { change, remove, expiring } = isWhole ? others : { change: [], remove: [], expiring: [] };
  for (const address of ask) {
    const endpoint = subscribed.find((one) => one.address === address)?.endpoint;
    await askToConfirm(address, endpoint, wanted.get(address) ?? [], stage);
  }
  for (const { arn, address } of change) await setFilter(arn ?? '', wanted.get(address) ?? [], stage);
  const removed = id === undefined ? remove : [];
  for (const { arn } of removed) await stage.sns.send(new UnsubscribeCommand({ SubscriptionArn: arn }));
  return [
    ...ask.map((address) => `contact ${address}: SNS has sent a mail with a link, which confirms the subscription`),
    ...removed.map(({ address }) => `contact ${address}: is unsubscribed`),
    ...(id === undefined ? expiring : []).map(
      (address) => `contact ${address}: is none any more, and has not confirmed; SNS deletes it after three days`,
    ),
  ];
}

function hasTopic(stage: Stage): boolean {
  try {
    return stage.output('ContactTopicArn') !== '';
  } catch (thrown) {
    if (thrown instanceof CommandFailed) return false;
    throw thrown;
  }
}

/** @param endpoint of the subscription that is not confirmed, if there is one */
async function askToConfirm(
  address: string,
  endpoint: string | undefined,
  ids: readonly string[],
  stage: Stage,
): Promise<void> {
  const subscription = { TopicArn: stage.output('ContactTopicArn'), Protocol: 'email', ReturnSubscriptionArn: true };
  try {
    if (endpoint === undefined) {
      const Attributes = { FilterPolicy: filterFor(ids), FilterPolicyScope: 'MessageBody' };
      await stage.sns.send(new SubscribeCommand({ ...subscription, Endpoint: address, Attributes }));
      return;
    }
    // Without attributes, which SNS refuses if they differ.
    const { SubscriptionArn = '' } = await stage.sns.send(
      new SubscribeCommand({ ...subscription, Endpoint: endpoint }),
    );
    const { integrationIds } = await filterOf(SubscriptionArn, stage);
    if (integrationIds?.toSorted().join() !== ids.join()) await setFilter(SubscriptionArn, ids, stage);
  } catch (thrown) {
    if (!/^FilterPolicyLimitExceeded/.test((thrown as Error).name)) throw thrown;
    throw new CommandFailed(
      `contact ${address} is not subscribed: SNS takes no more filter policies. Raise its quota "Filter policies per topic" (200 by default), then run ./ltw integration validate --stage ${stage.name}`,
    );
  }
}

async function setFilter(arn: string, ids: readonly string[], { sns }: Stage): Promise<void> {
  const AttributeValue = filterFor(ids);
  await sns.send(
    new SetSubscriptionAttributesCommand({ SubscriptionArn: arn, AttributeName: 'FilterPolicy', AttributeValue }),
  );
}

/** On the body of the message, which is the event's detail. */
function filterFor(ids: readonly string[]): string {
  return JSON.stringify({ integration_id: ids });
}
