import { isDeepStrictEqual } from 'node:util';
import { integrationSchema } from '../../lambdas/partners/integration.ts';
import {
  definitionOfFormat,
  PAYLOAD_FORMATS,
  type PayloadFormat,
} from '../../lambdas/partners/payload-formats/payload-formats.ts';
import { isJsonObject } from '../../lambdas/shared/json-text.ts';
import type { Evidence } from './evidence.ts';
import { COURSE, completion, ENTERPRISE, LEARNER } from './sample-events.ts';
import { type Scenario, scenario } from './scenario.ts';

/** Learning time of `LEARNER.known` in the warehouse. */
const LEARNING_TIME = { totalSeconds: 18_540, lastUpdated: '2026-01-10T00:00:00Z' };

/** One partner for each payload format, with the format's options at their defaults. */
export const FORMAT_PARTNERS = Object.fromEntries(
  PAYLOAD_FORMATS.map((format) => [partnerOf(format), { behaviour: 200, entry: { payload_format: format } } as const]),
);

/** A completion in each payload format. */
export const BY_FORMAT: Readonly<Record<string, Scenario>> = Object.fromEntries(
  PAYLOAD_FORMATS.map((format) => [partnerOf(format), formatScenario(format)]),
);

function partnerOf(format: PayloadFormat): string {
  return `format-${format}`;
}

function formatScenario(format: PayloadFormat): Scenario {
  const definition = definitionOfFormat(format);
  const event = {
    ...completion(`demo-format-${format}`, partnerOf(format), LEARNER.known),
    event_type: 'course_completion',
    user_id: LEARNER.known,
    course_id: COURSE,
    enterprise_customer_uuid: ENTERPRISE,
    payload: definition.sample('2026-01-10T15:30:00Z'),
  } as const;
  const integration = integrationSchema.parse({ id: partnerOf(format), url: 'https://partner.example/' });
  const composed = definition.compose(event, LEARNING_TIME, integration);
  return {
    ...scenario(`payload format ${format}`, [event], describeChanges(event.payload, composed)),
    describe: ([id], { receipts }: Evidence) => {
      const receipt = receipts.find(({ headers }) => headers['webhook-id'] === id);
      return receipt === undefined ? undefined : describeChanges(event.payload, JSON.parse(receipt.body));
    },
  };
}

/** `received with duration_spent: 18540`: what the partner received that the LMS did not publish. */
function describeChanges(published: unknown, received: unknown): string {
  return `received with ${changes('', published, received).join(', ')}`;
}

function changes(path: string, before: unknown, after: unknown): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isJsonObject(before) || !isJsonObject(after)) return [`${path}: ${JSON.stringify(after)}`];
  return Object.keys(after).flatMap((name) =>
    changes(path === '' ? name : `${path}.${name}`, before[name], after[name]),
  );
}
