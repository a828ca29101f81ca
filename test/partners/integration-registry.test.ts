import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { eventSchema } from '../../lambdas/events/event.ts';
import {
  type IntegrationRegistry,
  integrationsReader,
  readIntegrations,
  route,
} from '../../lambdas/partners/integration-registry.ts';
import { ENTERPRISE, event, fakeLog, integration, OTHER_ENTERPRISE } from '../support/factories.ts';

const GOOD = { id: 'acme', url: 'https://partner.example/hooks' };

/** Reads a document with these entries. */
const read = (entries: readonly unknown[], lastGood?: IntegrationRegistry, more = {}) =>
  readIntegrations(JSON.stringify({ integrations: entries, ...more }), lastGood);

describe('the integrations document', () => {
  test('gives every integration by its id, with its defaults', () => {
    const registry = read([GOOD, { ...GOOD, id: 'other', active: false }]);
    expect([...registry.byId]).toEqual([
      ['acme', integration(GOOD)],
      ['other', integration({ ...GOOD, id: 'other', active: false })],
    ]);
    expect(registry).toMatchObject({ broken: new Map(), faults: [], paused: false });
  });

  test.each(['', 'null', '[]', '5', '{}', '{"integrations":{}}', '{"integrations":['])(
    '%s is no document: it is refused as a whole, and the last good one stays',
    (text) => expect(() => readIntegrations(text, undefined)).toThrow(),
  );

  test('keeps an invalid entry apart from the others', () => {
    const { byId, broken, faults } = read([{ ...GOOD, id: 'bad', url: 'ftp://x' }, GOOD]);
    expect([[...byId.keys()], [...broken.keys()]]).toEqual([['acme'], ['bad']]);
    expect(faults).toEqual([expect.stringMatching(/^integration bad: url: /)]);
  });

  test.each([
    ['the last good version', {}, { paused: false, active: true }],
    ['and still pauses its integration', { paused: true }, { paused: true, active: true }],
    ['and still deactivates its integration', { active: false }, { paused: false, active: false }],
    ['and stops nothing by values of another type', { paused: 'yes', active: 0 }, { paused: false, active: true }],
  ])('an entry that became invalid has %s', (_what, more, expected) => {
    const before = read([{ ...GOOD, timeout_seconds: 7 }]);
    const { byId, broken, faults } = read([{ ...GOOD, timeout_seconds: 'seven', ...more }], before);
    expect(byId.get('acme')).toMatchObject({ ...expected, timeout_seconds: 7 });
    expect([broken.size, faults.length]).toEqual([0, 1]);
  });

  test('an entry that was removed is gone: its last good version does not come back', () => {
    expect(read([], read([GOOD])).byId.size).toBe(0);
  });

  test('pauses all integrations; with an invalid value the previous one stays, with a fault', () => {
    const paused = read([GOOD], undefined, { paused: true });
    expect(paused).toMatchObject({ paused: true, faults: [] });
    const faults = ['paused: must be true or false'];
    expect(read([GOOD], undefined, { paused: 'yes' })).toMatchObject({ paused: false, faults });
    expect(read([GOOD], paused, { paused: 'yes' })).toMatchObject({ paused: true, faults });
  });

  test('has its faults logged once, as a warning', () => {
    const log = fakeLog();
    const reader = integrationsReader(log);
    for (const url of [GOOD.url, 'ftp://x']) reader(JSON.stringify({ integrations: [{ ...GOOD, url }] }), undefined);
    const faults = [expect.stringContaining('url: must be an http(s) URL')];
    expect(log.lines).toMatchObject([{ level: 'warn', message: 'integrations.faulty', fields: { faults } }]);
  });

  test('of two entries with one id the first valid one is used', () => {
    const { byId, faults } = read([GOOD, { ...GOOD, url: 'https://elsewhere.example/' }]);
    expect(byId.get('acme')?.url).toBe(GOOD.url);
    expect(faults).toEqual(['integration acme: its id is taken by an earlier entry']);
    const second = read([{ ...GOOD, url: 5 }, GOOD]);
    expect([second.byId.get('acme')?.url, second.broken.size]).toEqual([GOOD.url, 0]);
  });

  test('names an entry without a readable id by its number, and quotes no value', () => {
    const entries = [GOOD, { url: GOOD.url }, null, 'acme', 5, { ...GOOD, id: 'not an id hunter2' }];
    const fields = { url: 'https://user:hunter2@partner.example/', active: 'hunter2', timeout_seconds: 'hunter2' };
    const { byId, broken, faults } = read([...entries, { ...GOOD, id: 'bad', ...fields }]);
    expect([[...byId.keys()], [...broken.keys()]]).toEqual([['acme'], ['bad']]);
    const names = ['number 2', 'number 3', 'number 4', 'number 5', 'number 6', 'bad'];
    expect(faults.map((fault) => fault.split(':')[0])).toEqual(names.map((name) => `integration ${name}`));
    expect(JSON.stringify([...broken, ...faults])).not.toContain('hunter2');
  });

  test('has any entries, each of which is usable, broken or a fault', () => {
    const entry = fc.oneof(
      fc.constant(GOOD),
      fc.record({ id: fc.constantFrom('acme', 'b', '__proto__'), url: fc.anything() }),
      fc.anything(),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
        const parsed = JSON.parse(JSON.stringify(entries)) as unknown[];
        const { byId, broken, faults } = read(parsed);
        expect([...byId.keys()].filter((id) => broken.has(id))).toEqual([]);
        expect(faults.length).toBe(parsed.length - byId.size);
      }),
    );
  });
});

/** An entry of the enterprise, for one region. */
const owned = (id: string, region: string, more = {}) => ({
  ...GOOD,
  ...{ id, region, enterprise_customer_uuid: ENTERPRISE },
  ...more,
});
const UNKNOWN = { to: 'none', verdict: 'unknown' };
const receiver = (id: string) => ({ to: 'integration', integration: { id } });

describe('the receiver of an event', () => {
  test.each([
    ['acme', [owned('acme', 'US'), owned('eu', 'EU')], receiver('acme')],
    ['__proto__', [GOOD], UNKNOWN],
    ['constructor', [GOOD], UNKNOWN],
    [
      'foreign',
      [owned('foreign', 'EU', { enterprise_customer_uuid: OTHER_ENTERPRISE })],
      { ...UNKNOWN, id: 'foreign' },
    ],
    ['broken', [{ id: 'broken', url: 'a typo' }], { to: 'none', verdict: 'broken', id: 'broken' }],
  ])('that names the integration %s', (integration_id, entries, expected) => {
    const named = eventSchema.parse(event({ integration_id, region: 'EU' }));
    expect(route(named, ENTERPRISE, read(entries))).toMatchObject(expected);
  });

  const [other, eu] = [owned('other', 'OTHER'), owned('eu', 'EU')];
  const INVALID = { url: 'a typo' };
  test.each<[string, string | undefined, readonly object[], object]>([
    ['the region’s before OTHER', ENTERPRISE, [other, eu], receiver('eu')],
    ['the region’s before OTHER, in any order', ENTERPRISE, [eu, other], receiver('eu')],
    ['OTHER if the region has none', ENTERPRISE, [other, owned('us', 'US')], receiver('other')],
    ['none of another region', ENTERPRISE, [owned('us', 'US')], UNKNOWN],
    ['none of another enterprise or of none', OTHER_ENTERPRISE, [eu, { ...GOOD, region: 'EU' }], UNKNOWN],
    ['none if the event names no enterprise', undefined, [eu], UNKNOWN],
    ['an inactive entry, instead of OTHER', ENTERPRISE, [other, { ...eu, active: false }], { verdict: 'filtered' }],
    ['the active one of two', ENTERPRISE, [{ ...eu, active: false }, owned('eu-2', 'EU')], receiver('eu-2')],
    ['a broken entry, instead of OTHER', ENTERPRISE, [other, { ...eu, ...INVALID }], { verdict: 'broken', id: 'eu' }],
    ['not a broken entry of another region', ENTERPRISE, [other, owned('us', 'US', INVALID)], receiver('other')],
    ['not a broken entry of no enterprise', ENTERPRISE, [other, { ...GOOD, ...INVALID }], receiver('other')],
    [
      'not a broken entry of another enterprise',
      ENTERPRISE,
      [other, owned('bad', 'EU', { enterprise_customer_uuid: 'another', ...INVALID })],
      receiver('other'),
    ],
    ['a broken entry of an unreadable region', ENTERPRISE, [other, { ...eu, region: 7 }], { verdict: 'broken' }],
    [
      'a broken entry of an unreadable enterprise',
      ENTERPRISE,
      [other, { ...eu, enterprise_customer_uuid: 7 }],
      { verdict: 'broken' },
    ],
  ])('that names a region is %s', (_what, enterprise, entries, expected) => {
    const regional = eventSchema.parse(event({ integration_id: undefined, region: 'EU' }));
    expect(route(regional, enterprise, read(entries))).toMatchObject(expected);
  });
});
