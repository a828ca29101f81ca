import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { acceptEvent } from '../../lambdas/enrichment/accept-event.ts';
import { composePayload } from '../../lambdas/partners/payload.ts';
import type { PayloadFormat } from '../../lambdas/partners/payload-formats/payload-formats.ts';
import { ENRICHED, integration, NOT_ENRICHED, NOW, registry } from '../support/factories.ts';

/** What the Open edX plugin publishes; its own tests (`lms/tests/test_messages.py`) compare it with the file. */
interface PluginMessage {
  /** Of the plugin: what it writes as payload. */
  readonly payload_format: 'structured' | 'percipio';
  readonly message: Readonly<Record<string, unknown>>;
}

const MESSAGES: readonly PluginMessage[] = JSON.parse(
  readFileSync(new URL('../../lms/tests/fixtures/messages.json', import.meta.url), 'utf8'),
);

/** The formats of an integration that fit each payload of the plugin, as its setting says. */
const FITTING: Readonly<Record<PluginMessage['payload_format'], readonly PayloadFormat[]>> = {
  structured: ['learning_time_object', 'completion_field'],
  percipio: ['completion_field', 'percipio'],
};

const CASES = MESSAGES.flatMap((one, index) =>
  FITTING[one.payload_format].map((format) => ({ ...one, format, title: `${index} ${one.message.event_type}` })),
);

function accepted(message: PluginMessage['message'], format: PayloadFormat) {
  const one = integration({ id: message.integration_id, payload_format: format });
  const acceptance = acceptEvent(JSON.stringify(message), registry(one), NOW);
  if (acceptance.verdict !== 'accepted') throw new Error(`${acceptance.verdict}: ${acceptance.reason}`);
  return { subject: acceptance.subject, integration: one };
}

describe('messages of the Open edX plugin', () => {
  test('are completions and enrollments in both payloads', () => {
    const seen = MESSAGES.map(({ payload_format, message }) => `${message.event_type} ${payload_format}`);
    expect(new Set(seen)).toEqual(
      new Set(['course_completion', 'course_enrollment'].flatMap((type) => [`${type} structured`, `${type} percipio`])),
    );
  });

  test.each(CASES)('$title is accepted with all that learning time is looked up by: $format', ({ message, format }) => {
    const { subject } = accepted(message, format);
    expect(subject).toMatchObject({
      event_id: message.event_id,
      user_id: String(message.user_id),
      course_id: message.course_id,
      enterprise_customer_uuid: message.enterprise_customer_uuid,
    });
  });

  test.each(CASES)('$title fits the integration’s format $format, with and without learning time', (one) => {
    const { subject, integration: receiver } = accepted(one.message, one.format);
    for (const enrichment of [ENRICHED, NOT_ENRICHED]) {
      expect(composePayload(subject, enrichment, receiver)).toEqual({ body: expect.any(String) });
    }
  });
});
