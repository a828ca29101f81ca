import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { GAUGES } from '../../lambdas/status/prometheus.ts';
import { prometheusText } from '../../lambdas/status/prometheus-text.ts';
import { anyString } from '../support/arbitraries.ts';
import { parsePrometheus } from '../support/parse-prometheus.ts';

const gauges = Object.entries(GAUGES);

describe('the text', () => {
  test('has help, type and samples of each gauge, in the table’s order', () => {
    const text = prometheusText({
      readAt: [{ value: 1_768_478_400.25 }],
      attempts: [
        { labels: { integration: 'acme', result: 'success' }, value: 145 },
        { labels: { integration: 'acme', result: 'failure' }, value: 5 },
      ],
    });
    expect(text).toBe(`\
# HELP learning_time_webhooks_last_hour_delivery_attempts Attempts in the last hour. Result is success (2xx) or failure.
# TYPE learning_time_webhooks_last_hour_delivery_attempts gauge
learning_time_webhooks_last_hour_delivery_attempts{integration="acme",result="success"} 145
learning_time_webhooks_last_hour_delivery_attempts{integration="acme",result="failure"} 5
# HELP learning_time_webhooks_read_timestamp_seconds When the sources were read. Responses are cached for up to a minute.
# TYPE learning_time_webhooks_read_timestamp_seconds gauge
learning_time_webhooks_read_timestamp_seconds 1768478400.25
`);
  });

  test('omits unknown values, and not zeros', () => {
    expect(prometheusText({ dead: [{ value: undefined }], hitRatio: [] })).toBe('');
    const some = prometheusText({
      lookups: [
        { labels: { result: 'hit' }, value: 0 },
        { labels: { result: 'miss' }, value: undefined },
      ],
    });
    expect(parsePrometheus(some).get(GAUGES.lookups.name)?.samples).toEqual([{ labels: { result: 'hit' }, value: 0 }]);
  });

  test('is parsed to the same labels and values, for any of them', () => {
    const values = fc.oneof(
      fc.double(),
      fc.nat(),
      fc.constantFrom(-0, 1e21, 5e-324, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
    );
    fc.assert(
      fc.property(fc.uniqueArray(anyString, { selector: (text) => text.toWellFormed() }), values, (texts, value) => {
        const text = prometheusText({ attempts: texts.map((integration) => ({ labels: { integration }, value })) });
        const samples = parsePrometheus(text).get(GAUGES.attempts.name)?.samples ?? [];
        // Half of a character cannot be written in UTF-8.
        const expected = texts.map((one) => ({ labels: { integration: one.toWellFormed() }, value: value + 0 }));
        expect(samples.map((sample) => ({ ...sample, value: sample.value + 0 }))).toEqual(expected);
      }),
    );
  });
});

describe('the table', () => {
  const names = gauges.map(([, { name }]) => name);

  test('names each gauge once, for this application, in snake case', () => {
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^learning_time_webhooks(_[a-z]+[a-z0-9]*)+$/);
  });

  test('contains no personal data', () => {
    const labels = new Set(gauges.flatMap(([, { labels = [] }]) => labels));
    expect([...labels].sort()).toEqual(['integration', 'kind', 'learning_time', 'queue', 'result', 'source']);
  });
});
