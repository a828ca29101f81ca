import { expect, test } from '@jest/globals';
import { enabledEnterprises, MAX_ENTERPRISES } from '../../lambdas/warming/enabled-enterprises.ts';
import { brokenEntry, ENTERPRISE, flag, integration, OTHER_ENTERPRISE, registry } from '../support/factories.ts';

const PILOT = '7d2c1b3a-0000-4000-8000-000000000009';

function of(id: string, overrides: Readonly<Record<string, unknown>> = {}) {
  return integration({ id, ...overrides });
}

const TWO = registry(
  of('acme', { enterprise_customer_uuid: OTHER_ENTERPRISE }),
  of('globex', { enterprise_customer_uuid: ENTERPRISE }),
  of('globex-eu', { enterprise_customer_uuid: ENTERPRISE, region: 'EU' }),
);

test('finds the enterprises of integrations and the pilots, each once and sorted, by the flag', () => {
  expect(enabledEnterprises(flag(), TWO).enterpriseIds).toEqual([ENTERPRISE, OTHER_ENTERPRISE]);
  const pilots = flag({ rollout_percentage: 0, pilot_enterprises: [PILOT, ENTERPRISE] });
  expect(enabledEnterprises(pilots, TWO).enterpriseIds).toEqual([ENTERPRISE, PILOT]);
  expect(enabledEnterprises(flag({ enabled: false, pilot_enterprises: [PILOT] }), TWO).enterpriseIds).toEqual([]);
});

test('leaves out integrations that are not active, and counts entries that are broken', () => {
  const inactive = registry(of('acme', { enterprise_customer_uuid: ENTERPRISE, active: false }));
  expect(enabledEnterprises(flag(), inactive).enterpriseIds).toEqual([]);
  // Its events wait until the entry is fixed. The id is as the document has it.
  const broken = new Map([
    ['acme', { reason: 'url: is missing', enterprise: ENTERPRISE.replaceAll('-', '').toUpperCase(), region: 'US' }],
  ]);
  expect(enabledEnterprises(flag(), { ...registry(), broken }).enterpriseIds).toEqual([ENTERPRISE]);
  expect(enabledEnterprises(flag(), { ...registry(), broken: brokenEntry('acme') }).enterpriseIds).toEqual([]);
});

test('counts integrations of no enterprise as read-through while the flag is on for more than pilots', () => {
  const shared = registry(
    of('acme', { enterprise_customer_uuid: ENTERPRISE }),
    of('shared'),
    of('off', { active: false }),
  );
  expect(enabledEnterprises(flag({ rollout_percentage: 1 }), shared).readThrough).toBe(1);
  expect(enabledEnterprises(flag({ rollout_percentage: 0, pilot_enterprises: [PILOT] }), shared).readThrough).toBe(0);
  expect(enabledEnterprises(flag({ enabled: false }), shared).readThrough).toBe(0);
});

test('warms a limited number of enterprises, and counts the others', () => {
  const pilot_enterprises = Array.from({ length: MAX_ENTERPRISES + 2 }, (_, index) => `enterprise-${index}`);
  const found = enabledEnterprises(flag({ rollout_percentage: 0, pilot_enterprises }), registry());
  expect([found.enterpriseIds.length, found.readThrough]).toEqual([MAX_ENTERPRISES, 2]);
});
