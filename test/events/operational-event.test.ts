import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import {
  certificateExpiring,
  DEAD_REASONS,
  deadLettered,
  integrationParked,
  integrationResumed,
  OPERATIONAL_EVENT_SOURCE,
  OPERATIONAL_EVENTS,
  type OperationalEvent,
  operationalEventSchema,
  PARKED_REASONS,
  RESUMED_REASONS,
} from '../../lambdas/events/operational-event.ts';
import { NOW } from '../support/factories.ts';

const FILE = join(import.meta.dirname, '../../docs/operational-events/schema.json');
const subject = { integrationId: 'acme', atMs: NOW };
const webhookId = `wh_${'0'.repeat(40)}`;

/** Every event that can be sent, but for its ids and times. */
const EVENTS: readonly OperationalEvent[] = [
  ...DEAD_REASONS.map((reason) => deadLettered(webhookId, reason, subject)),
  ...PARKED_REASONS.map((reason) => integrationParked(reason, subject)),
  ...RESUMED_REASONS.map((reason) => integrationResumed(reason, subject)),
  certificateExpiring(NOW + 1, subject),
];

test('the published schema is that of the code', () => {
  // If not: npm run schema:operational-events
  expect(JSON.parse(readFileSync(FILE, 'utf8'))).toEqual(operationalEventSchema());
});

test('the published schema accepts every event, and refuses other fields and codes', () => {
  const fits = new Ajv2020({ strict: false, validateFormats: false }).compile(operationalEventSchema());
  const source = OPERATIONAL_EVENT_SOURCE;
  for (const { type, detail } of EVENTS) {
    const event = { source, 'detail-type': type, detail };
    expect([event, fits(event)]).toEqual([event, true]);
    expect(fits({ ...event, detail: { ...detail, response: 'no' } })).toBe(false);
    expect(fits({ ...event, detail: { ...detail, reason: 'HTTP 404' } })).toBe(false);
    expect(fits({ ...event, source: 'another' })).toBe(false);
    expect(OPERATIONAL_EVENTS[type].safeParse(detail).success).toBe(true);
  }
  expect(new Set(EVENTS.map(({ type }) => type))).toEqual(new Set(Object.keys(OPERATIONAL_EVENTS)));
});
