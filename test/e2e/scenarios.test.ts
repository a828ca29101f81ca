import { expect, test } from '@jest/globals';
import { EVENT_TYPES, type EventType } from '../../lambdas/events/event-types/event-types.ts';
import { PAYLOAD_FORMATS, type PayloadFormat } from '../../lambdas/partners/payload-formats/payload-formats.ts';
import { DEMO_PARTNERS, entriesOf } from '../../local/demo/partners.ts';
import { play } from '../../local/demo/script.ts';
import { formatTable, type Row } from '../../local/demo/table.ts';
import { schemaFaults } from '../support/published-schemas.ts';
import { runningSession } from './running-session.ts';

const session = runningSession();

test('every scenario of the demo ends as expected', async () => {
  const rows: Row[] = await play(session(), () => {});

  expect(formatTable(rows.filter(({ isExpected }) => !isExpected))).toBe('');
  expect(rows).toHaveLength(31 + PAYLOAD_FORMATS.length);
});

test('every body that arrived fits the published schema that its headers name', () => {
  const formats = new Map(entriesOf(DEMO_PARTNERS, '').map(({ id, payload_format }) => [id, payload_format]));
  const { receipts } = session().partner;
  const types = receipts.map(({ integration_id, headers, body }) => {
    const type = headers['event-type'] as EventType;
    const format = headers['payload-format'] as PayloadFormat;
    expect(format).toBe(formats.get(integration_id) ?? PAYLOAD_FORMATS[0]);
    expect([body, schemaFaults(type, format, body)]).toEqual([body, []]);
    return type;
  });
  expect(new Set(types)).toEqual(new Set(EVENT_TYPES));
});
