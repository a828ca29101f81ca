import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { eventSchema, type LmsEvent } from '../../lambdas/events/event.ts';
import {
  type IntegrationRegistry,
  integrationsReader,
  readIntegrations,
  route,
} from '../../lambdas/partners/integration-registry.ts';
import { ENTERPRISE, event, fakeLog, integration, OTHER_ENTERPRISE, registry } from '../support/factories.ts';

const GOOD = { id: 'acme', url: 'https://partner.example/hooks' };
const document = (...integrations: unknown[]) => JSON.stringify({ integrations });
const read = (text: string, lastGood?: IntegrationRegistry) => readIntegrations(text, lastGood);

describe('the integrations document', () => {
  test('gives every integration by its id, with its defaults', () => {
    const { byId, broken, faults } = read(document(GOOD, { ...GOOD, id: 'other', active: false }));
    expect([...byId.keys()]).toEqual(['acme', 'other']);
    expect(byId.get('acme')).toEqual(integration(GOOD));
    expect(byId.get('other')).toMatchObject({ active: false, paused: false, timeout_seconds: 15, region: 'OTHER' });
    expect(broken.size).toBe(0);
    expect(faults).toEqual([]);
  });

  test.each(['', 'null', '[]', '5', '{}', '{"integrations":{}}', '{"integrations":null}', '{"integrations":['])(
    '%s is no document: it is refused as a whole, and the last good one stays',
    (text) => expect(() => read(text)).toThrow(),
  );

  test('an entry that does not fit is broken, and harms no other', () => {
    const { byId, broken, faults } = read(document({ ...GOOD, id: 'bad', url: 'ftp://x' }, GOOD));
    expect([...byId.keys()]).toEqual(['acme']);
    expect([...broken.keys()]).toEqual(['bad']);
    expect(faults).toEqual([expect.stringMatching(/^integration bad: url: /)]);
  });

  test('an entry that became invalid stays at its last good version', () => {
    const before = read(document({ ...GOOD, timeout_seconds: 7 }));
    const { byId, broken, faults } = read(document({ ...GOOD, timeout_seconds: 'seven' }), before);
    expect(byId.get('acme')?.timeout_seconds).toBe(7);
    expect(broken.size).toBe(0);
    expect(faults).toHaveLength(1);
  });

  test('an entry that became invalid can still stop its integration', () => {
    const before = read(document(GOOD));
    const odd = { ...GOOD, timeout_seconds: 'seven' };
    const now = (more: object) => read(document({ ...odd, ...more }), before).byId.get('acme');
    expect(now({ paused: true })).toMatchObject({ paused: true, active: true, timeout_seconds: 15 });
    expect(now({ active: false })).toMatchObject({ paused: false, active: false });
    expect(now({ paused: 'yes', active: 0 })).toMatchObject({ paused: false, active: true });
  });

  test('an entry that is gone is gone: its last good version does not come back', () => {
    expect(read(document(), read(document(GOOD))).byId.size).toBe(0);
  });

  test('may pause all of them', () => {
    expect(read(document(GOOD)).paused).toBe(false);
    expect(read(JSON.stringify({ paused: true, integrations: [GOOD] })).paused).toBe(true);
  });

  test('with an invalid pause keeps the previous one, and reports the fault', () => {
    const odd = JSON.stringify({ paused: 'yes', integrations: [GOOD] });
    expect(read(odd)).toMatchObject({ paused: false, faults: ['paused: must be true or false'] });
    const paused = read(JSON.stringify({ paused: true, integrations: [GOOD] }));
    expect(read(odd, paused)).toMatchObject({ paused: true, faults: ['paused: must be true or false'] });
  });

  test('what does not fit is warned of, once for a document', () => {
    const log = fakeLog();
    const reader = integrationsReader(log);
    reader(document(GOOD), undefined);
    expect(log.lines).toEqual([]);
    reader(document({ ...GOOD, url: 'ftp://x' }), undefined);
    expect(log.lines).toMatchObject([{ level: 'warn', message: 'integrations.faulty' }]);
    expect(JSON.stringify(log.lines)).toContain('url: must be an http(s) URL');
  });

  test('of two entries with one id, the first holds', () => {
    const { byId, faults } = read(document(GOOD, { ...GOOD, url: 'https://elsewhere.example/' }));
    expect(byId.get('acme')?.url).toBe(GOOD.url);
    expect(faults).toEqual(['integration acme: its id is taken by an earlier entry']);
  });

  test('of two entries with one id, the first that fits holds', () => {
    const { byId, broken } = read(document({ ...GOOD, url: 5 }, GOOD));
    expect(byId.get('acme')?.url).toBe(GOOD.url);
    expect(broken.size).toBe(0);
  });

  test('an entry without a readable id is named by its number', () => {
    const entries = [GOOD, { url: GOOD.url }, null, 'acme', 5, { ...GOOD, id: 'not an id' }];
    const { byId, broken, faults } = read(document(...entries));
    expect([...byId.keys()]).toEqual(['acme']);
    expect(broken.size).toBe(0);
    expect(faults.map((fault) => fault.slice(0, 'integration number 2'.length))).toEqual(
      [2, 3, 4, 5, 6].map((number) => `integration number ${number}`),
    );
  });

  test('faults do not repeat the values of the document', () => {
    const secret = 'https://user:hunter2@partner.example/';
    const { broken, faults } = read(document({ ...GOOD, url: secret, active: 'hunter2', timeout_seconds: 'hunter2' }));
    expect(JSON.stringify([...broken, ...faults])).not.toContain('hunter2');
  });

  test('any list of entries is read: each is usable, broken or a fault, and none is thrown', () => {
    const entry = fc.oneof(
      fc.constant(GOOD),
      fc.record({ id: fc.constantFrom('acme', 'b', '__proto__'), url: fc.anything() }),
      fc.anything(),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
        const parsed = JSON.parse(document(...entries)).integrations as unknown[];
        const { byId, broken, faults } = read(JSON.stringify({ integrations: parsed }));
        expect([...byId.keys()].filter((id) => broken.has(id))).toEqual([]);
        expect(faults.length).toBe(parsed.length - byId.size);
      }),
    );
  });
});

describe('the receiver of an event that names its integration', () => {
  const to = (overrides: Record<string, unknown>, enterprise: string | undefined, known: IntegrationRegistry) =>
    route(parsed(overrides), enterprise, known);

  test.each(['__proto__', 'constructor', 'toString'])('is none if the id is %s', (id) => {
    expect(to({ integration_id: id }, ENTERPRISE, registry(integration()))).toMatchObject({ verdict: 'unknown' });
  });

  test('is the named one, whatever the event’s region', () => {
    const known = registry(integration({ region: 'US' }), integration({ id: 'eu', region: 'EU' }));
    expect(to({ region: 'EU' }, ENTERPRISE, known)).toMatchObject({ integration: { id: 'acme' } });
  });
});

describe('the receiver of an event that names enterprise and region', () => {
  const owned = (id: string, region: string, more = {}) =>
    integration({ id, region, enterprise_customer_uuid: ENTERPRISE, ...more });
  const to = (region: string, enterprise: string | undefined, ...known: ReturnType<typeof integration>[]) =>
    route(parsed({ integration_id: undefined, region }), enterprise, registry(...known));

  test('is the one of the exact region, before OTHER, in whatever order they are written', () => {
    const [other, eu] = [owned('other', 'OTHER'), owned('eu', 'EU')];
    expect(to('EU', ENTERPRISE, other, eu)).toMatchObject({ integration: { id: 'eu' } });
    expect(to('EU', ENTERPRISE, eu, other)).toMatchObject({ integration: { id: 'eu' } });
  });

  test('is OTHER where the region has none', () => {
    expect(to('US', ENTERPRISE, owned('other', 'OTHER'), owned('eu', 'EU'))).toMatchObject({
      integration: { id: 'other' },
    });
  });

  test('is never that of another region', () => {
    expect(to('US', ENTERPRISE, owned('eu', 'EU'))).toMatchObject({ to: 'none', verdict: 'unknown' });
  });

  test('is never that of another enterprise, nor one that belongs to none', () => {
    expect(to('EU', OTHER_ENTERPRISE, owned('eu', 'EU'), integration({ region: 'EU' }))).toMatchObject({
      to: 'none',
      verdict: 'unknown',
    });
  });

  test('is none if the event names no enterprise', () => {
    expect(to('EU', undefined, owned('eu', 'EU'))).toMatchObject({ to: 'none', verdict: 'unknown' });
  });

  test('waits if the entry of its region is broken: it goes to no other region', () => {
    const other = { ...GOOD, id: 'other', region: 'OTHER', enterprise_customer_uuid: ENTERPRISE };
    const eu = { ...GOOD, id: 'eu', region: 'EU', enterprise_customer_uuid: ENTERPRISE, url: 'a typing error' };
    const event = parsed({ integration_id: undefined, region: 'EU' });
    expect(route(event, ENTERPRISE, read(document(other, eu)))).toMatchObject({ to: 'none', verdict: 'broken' });
  });

  test('is not diverted to OTHER where the entry of its region is switched off', () => {
    const registry = read(
      document(
        { ...GOOD, id: 'other', region: 'OTHER', enterprise_customer_uuid: ENTERPRISE },
        { ...GOOD, id: 'eu', region: 'EU', enterprise_customer_uuid: ENTERPRISE, active: false },
      ),
    );
    const event = parsed({ integration_id: undefined, region: 'EU' });
    expect(route(event, ENTERPRISE, registry)).toMatchObject({ to: 'none', verdict: 'filtered', id: 'eu' });
  });

  test.each([
    ['another enterprise’s', { enterprise_customer_uuid: 'another' }, 'integration'],
    ['another region’s', { enterprise_customer_uuid: ENTERPRISE, region: 'US' }, 'integration'],
    ['of no enterprise', {}, 'integration'],
    ['one whose region cannot be read', { enterprise_customer_uuid: ENTERPRISE, region: 7 }, 'none'],
    ['one whose enterprise cannot be read', { enterprise_customer_uuid: 7, region: 'EU' }, 'none'],
  ])('a broken entry makes only its own possible events wait: %s', (_, fields, destination) => {
    const other = { ...GOOD, id: 'other', region: 'OTHER', enterprise_customer_uuid: ENTERPRISE };
    const registry = read(document(other, { id: 'bad', url: 'a typing error', ...fields }));
    const event = parsed({ integration_id: undefined, region: 'EU' });
    expect(route(event, ENTERPRISE, registry).to).toBe(destination);
  });
});

function parsed(overrides: Record<string, unknown>): LmsEvent {
  return eventSchema.parse(event(overrides));
}
