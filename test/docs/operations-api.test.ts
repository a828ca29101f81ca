import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { SecretUnavailable } from '../../lambdas/shared/errors.ts';
import { allHealthSchema, integrationHealthSchema, OPERATIONS_PATHS } from '../../lambdas/status/health-document.ts';
import type { HttpResponse } from '../../lambdas/status/http-api.ts';
import { GAUGES, PROMETHEUS_CONTENT_TYPE } from '../../lambdas/status/prometheus.ts';
import { failed, operationsWorld, TOKEN } from '../status/operations-world.ts';
import { parsePrometheus } from '../support/parse-prometheus.ts';
import { codeOf } from './guide-steps.ts';
import { document, examplesOf, expectDocumented } from './openapi.ts';

const guide = readFileSync(join(import.meta.dirname, '../../docs/operations-api.md'), 'utf8');

const PATHS = [OPERATIONS_PATHS.health, `${OPERATIONS_PATHS.health}/{integration}`, OPERATIONS_PATHS.metrics];

interface Asked {
  readonly state?: Partial<ReturnType<typeof operationsWorld>['state']>;
  readonly integration?: string;
  readonly rawQueryString?: string;
  readonly authorization?: string;
}

/** What the guide's example has; there are more. */
const kinds = { course_completion: [118, 2], 'lead.hot': [27, 3] } as const;
const failures = { skillsoft: [failed('HTTP 503', '2026-01-15T10:30:00.000Z')] };

function ask(path: string, { state = {}, integration = 'skillsoft', ...request }: Asked): Promise<HttpResponse> {
  const world = operationsWorld({ attempts: { skillsoft: [145, 5] }, kinds, failures });
  Object.assign(world.state, state);
  return world.ask({
    routeKey: `GET ${path}`,
    rawQueryString: request.rawQueryString ?? '',
    pathParameters: { integration },
    headers: { authorization: request.authorization ?? `Bearer ${TOKEN}` },
  });
}

const REQUESTS: readonly Asked[] = [
  {},
  { integration: 'nobody' },
  { rawQueryString: 'integration=skillsoft' },
  { authorization: '' },
  { authorization: 'Bearer another' },
  { state: { registry: undefined } },
  { state: { isCloudWatchDown: true } },
  { state: { isLedgerDown: true } },
  { state: { isCloudWatchDown: true, isLedgerDown: true } },
  { state: { isCloudWatchDown: true, registry: undefined } },
  { state: { isCloudWatchDown: true, isLedgerDown: true, registry: undefined } },
  { state: { withoutData: new Set(['skillsoft']) } },
  { state: { tokenFault: new SecretUnavailable('no') } },
];

describe.each(PATHS)('what %s answers', (path) => {
  const { responses } = document.paths[path].get;
  const seen = new Set<string>();

  beforeAll(async () => {
    for (const request of REQUESTS) {
      const answer = await ask(path, request);
      seen.add(String(answer.statusCode));
      expectDocumented(path, answer);
    }
  });

  test('is what the document says, and every status that it says is ours is answered', () => {
    const ours = Object.entries<{ headers?: object }>(responses).filter(([, { headers }]) => headers !== undefined);
    expect([...seen].sort()).toEqual(ours.map(([status]) => status).sort());
  });

  test('has examples that fit', () => {
    expect(examplesOf(path).unfit).toEqual([]);
  });
});

describe('the document', () => {
  const { Health, AllHealth, IntegrationHealth } = document.components.schemas;

  test('has the contract’s fields, all of them and no others', () => {
    expect(Object.keys(AllHealth.properties)).toEqual(Object.keys(allHealthSchema.shape));
    expect(Object.keys(IntegrationHealth.properties)).toEqual(Object.keys(integrationHealthSchema.shape));
    for (const schema of [Health, AllHealth, IntegrationHealth]) {
      expect(schema).toMatchObject({ additionalProperties: false, required: Object.keys(schema.properties) });
    }
    expect(AllHealth.properties).toMatchObject(Health.properties);
    expect(IntegrationHealth.properties).toMatchObject(Health.properties);
  });

  test('serves metrics as Prometheus’ text', () => {
    expect(Object.keys(document.paths['/metrics'].get.responses['200'].content)).toEqual([PROMETHEUS_CONTENT_TYPE]);
  });
});

describe('the guide', () => {
  test('shows responses as they are given, with some of the kinds', async () => {
    const [all, one] = await Promise.all(
      [OPERATIONS_PATHS.health, `${OPERATIONS_PATHS.health}/{integration}`].map(async (path) =>
        JSON.parse((await ask(path, {})).body),
      ),
    );
    const some = Object.entries(all.kinds).filter(([kind]) => Object.hasOwn(kinds, kind));
    expect(some).toHaveLength(Object.keys(kinds).length);
    const shown = [{ ...all, kinds: Object.fromEntries(some) }, one];
    expect(codeOf(guide, 'json').map((text) => JSON.parse(text))).toEqual(shown);
  });

  test('lists every gauge, its labels and its help, in the order in which they are shown', async () => {
    const rows = [...guide.matchAll(/^\| `(learning_time_webhooks_\w+)` \| (.*?) ?\| (.+) \|$/gm)];
    const listed = rows.map(([, name, labels = '', help]) => ({
      name,
      labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label),
      help,
    }));
    expect(listed).toEqual(Object.values(GAUGES).map(({ name, labels = [], help }) => ({ name, labels, help })));
    const { body } = await ask(OPERATIONS_PATHS.metrics, {});
    expect([...parsePrometheus(body).keys()]).toEqual(listed.map(({ name }) => name));
  });

  test('alerts on gauges that there are', () => {
    const [, alerts = ''] = codeOf(guide, 'yaml');
    const names = Object.values(GAUGES).map(({ name }) => name);
    const used = [...alerts.matchAll(/\b(learning_time_webhooks_\w+)/g)].map(([, name = '']) => name);
    expect(used.length).toBeGreaterThan(3);
    expect(names).toEqual(expect.arrayContaining(used));
  });
});
