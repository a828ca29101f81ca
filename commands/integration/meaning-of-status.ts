/** What something means, and what to do about it. */
export type Explanation = readonly [means: string, remedy: string];

/** HTTP answers that mean something of their own. */
export const BY_STATUS: Readonly<Record<number, Explanation>> = {
  400: [
    'the endpoint cannot use the body',
    'compare the body below with what the partner expects: payload_format, duration_unit and encrypted_fields of the entry decide it',
  ],
  401: [
    'the endpoint does not accept the credentials, with a fresh token and a fresh secret either, or it finds the signature wrong',
    'compare the entry’s auth with what the partner gave you, put the right credentials into the secret, and let the partner compare the signature below',
  ],
  403: [
    'the endpoint knows who asks and does not allow it, or a firewall in front of it does not let these addresses in',
    'ask the partner to allow the stage’s addresses (output EgressAddresses of the stack) and to check the account’s rights',
  ],
  404: ['there is nothing at this path', 'compare the path of the entry’s url with what the partner gave you'],
  405: [
    'the path takes no POST',
    'ask the partner for the address that takes webhooks: this one is for something else',
  ],
  406: ['the endpoint does not answer in what was asked for', 'ask the partner what its endpoint objects to'],
  407: ['a proxy in front of the endpoint wants a login', 'ask the partner for an address that needs none'],
  408: ['the endpoint gave up waiting for the request', 'try again; if it stays, ask the partner what is slow there'],
  409: ['the endpoint sees a conflict with what it has', 'ask the partner what a webhook of this kind conflicts with'],
  410: [
    'the endpoint is gone for good: its events are put to sleep, none is sent',
    'ask the partner for the new address; if this one is right after all, "./ltw integration resume ID" forgets the 410',
  ],
  413: ['the endpoint takes no body of this size', 'ask the partner to allow 256 KB'],
  415: ['the endpoint does not take application/json', 'ask the partner for the address that takes webhooks as JSON'],
  422: [
    'the endpoint reads the body and refuses its content',
    'compare the body below with what the partner expects: payload_format of the entry decides it',
  ],
  425: ['the endpoint finds it too early', 'try again in a minute'],
  429: [
    'the endpoint takes no more requests for now',
    'try again in a minute; if it stays, agree on a rate and set max_requests_per_minute of the entry',
  ],
  501: ['the endpoint takes no POST', 'ask the partner for the address that takes webhooks'],
  502: ['a gateway of the partner does not reach what is behind it', 'tell the partner; webhooks are tried again'],
  503: ['the partner’s service is down or overloaded', 'tell the partner if it stays; webhooks are tried again'],
  504: ['a gateway of the partner waits in vain for what is behind it', 'tell the partner; webhooks are tried again'],
};
