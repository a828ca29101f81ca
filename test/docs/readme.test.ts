import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { isGenuine } from '../../docs/partner/verify.ts';
import { sendWebhook } from '../../lambdas/delivery/send-webhook.ts';
import type { EventType } from '../../lambdas/events/event-types/event-types.ts';
import { createHttpsSender } from '../../lambdas/partners/http/sender.ts';
import { ALL_SCENARIOS, leadScenarios } from '../../local/demo/scenarios.ts';
import { formatTable } from '../../local/demo/table.ts';
import { closedAfterEach } from '../support/closed-after-each.ts';
import { integration } from '../support/factories.ts';
import { startPartner, TO_LOCAL_PARTNERS } from '../support/partner-server.ts';
import { secret, secretSource, sendingServices } from '../support/sending.ts';
import { blocksOf, codeOf } from './guide-steps.ts';

const readme = readFileSync('README.md', 'utf8');
const keep = closedAfterEach();

test('the rows of the demo that it shows are rows that the demo prints when all is as expected', () => {
  const scenarios = [...ALL_SCENARIOS, ...Object.values(leadScenarios(Date.now()))];
  const printed = formatTable(
    scenarios.map(({ name, expected }) => ({ name, expected, outcome: expected, isExpected: true })),
  ).split('\n');
  const shown = blocksOf(readme).find(({ before }) => before.includes('rows that it prints'))?.code ?? '';
  const rows = shown.trimEnd().split('\n');
  expect(rows.length).toBeGreaterThan(1);
  expect(rows.filter((row) => !printed.includes(row))).toEqual([]);
});

describe('the webhook that it shows', () => {
  const [sample = ''] = codeOf(readme, 'http');
  const [head = '', body = ''] = sample.trimEnd().split('\n\n');
  const [requestLine, ...lines] = head.split('\n');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const [name = '', ...value] = line.split(': ');
      return [name, value.join(': ')];
    }),
  );
  const [, signingSecret = ''] = /`(whsec_[^`]+)`/.exec(readme) ?? [];
  const sentSeconds = Number(headers['webhook-timestamp']);

  test('verifies with the secret that it names', () => {
    expect(isGenuine([signingSecret], headers, Buffer.from(body), sentSeconds)).toBe(true);
  });

  test('arrives with these headers, in this order, when it is sent', async () => {
    const partner = await keep(startPartner((response) => response.end()));
    const sent = await sendWebhook(
      {
        id: String(headers['webhook-id']),
        eventType: headers['event-type'] as EventType,
        body,
        integration: integration({ url: `${partner.url}/skillsoft` }),
        timeoutMs: 5000,
      },
      sendingServices([], {
        sender: createHttpsSender(TO_LOCAL_PARTNERS),
        secretOf: () => secretSource(secret({ signing_secrets: [signingSecret] })),
        now: () => sentSeconds * 1000,
      }),
    );
    expect(sent).toMatchObject({ kind: 'sent', verdict: 'delivered' });
    const [received] = partner.received;
    expect(`${received?.method} ${received?.path} HTTP/1.1`).toBe(requestLine);
    expect(Object.entries(received?.headers ?? {})).toEqual(
      Object.entries({ ...headers, host: `127.0.0.1:${partner.port}` }),
    );
    expect(received?.body.toString()).toBe(body);
  });
});
