import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { SecretUnavailable } from '../../lambdas/contract/errors.ts';
import { GAUGES, PROMETHEUS_CONTENT_TYPE } from '../../lambdas/contract/prometheus.ts';
import { allHealthSchema, integrationHealthSchema, OPERATIONS_PATHS } from '../../lambdas/contract/webhook-health.ts';
import type { StatusAnswer } from '../../lambdas/status/answer-request.ts';
import { failed, operationsWorld, TOKEN } from '../status/operations-world.ts';
import { parsePrometheus } from '../support/parse-prometheus.ts';

const DOCS = join(import.meta.dirname, '../../docs');
const guide = readFileSync(join(DOCS, 'operations-api.md'), 'utf8');
const document = JSON.parse(readFileSync(join(DOCS, 'status-api/openapi.json'), 'utf8'));

const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
ajv.addSchema(document, 'openapi');

const PATHS = [OPERATIONS_PATHS.health, `${OPERATIONS_PATHS.health}/{integration}`, OPERATIONS_PATHS.metrics];

/** The schema of one answer in JSON, as the document has it. */
function schemaOf(path: string, status: string): ValidateFunction {
  const keys = ['paths', path, 'get', 'responses', status, 'content', 'application/json', 'schema'];
  const pointer = keys.map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
  const validate = ajv.getSchema(`openapi#/${pointer}`);
  if (validate === undefined) throw new Error(`${status} of ${path} has no schema`);
  return validate;
}

/** What a reference of the document stands for. */
function resolved({ $ref }: { readonly $ref: string }): { readonly schema: { readonly const: string } } {
  return $ref
    .slice(2)
    .split('/')
    .reduce((found, key) => found[key], document);
}

interface Asked {
  readonly state?: Partial<ReturnType<typeof operationsWorld>['state']>;
  readonly integration?: string;
  readonly rawQueryString?: string;
  readonly authorization?: string;
}

/** What the guide's example has; there are more. */
const kinds = { course_completion: [118, 2], 'lead.hot': [27, 3] } as const;
const failures = { skillsoft: [failed('HTTP 503', '2026-01-15T10:30:00.000Z')] };

function ask(path: string, { state = {}, integration = 'skillsoft', ...request }: Asked): Promise<StatusAnswer> {
  const world = operationsWorld({ tries: { skillsoft: [145, 5] }, kinds, failures });
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
  { state: { book: undefined } },
  { state: { isCloudWatchDown: true } },
  { state: { isLedgerDown: true } },
  { state: { isCloudWatchDown: true, isLedgerDown: true } },
  { state: { isCloudWatchDown: true, book: undefined } },
  { state: { isCloudWatchDown: true, isLedgerDown: true, book: undefined } },
  { state: { untold: new Set(['skillsoft']) } },
  { state: { tokenFault: new SecretUnavailable('no') } },
];

describe.each(PATHS)('what %s answers', (path) => {
  const { responses } = document.paths[path].get;
  const seen = new Set<string>();

  beforeAll(async () => {
    for (const request of REQUESTS) {
      const { statusCode, headers, body } = await ask(path, request);
      const said = responses[statusCode];
      seen.add(String(statusCode));
      if (said === undefined) continue;
      const documented = Object.entries<{ $ref: string }>(said.headers).map(([name, header]) => [
        name.toLowerCase(),
        resolved(header).schema.const,
      ]);
      const [contentType = ''] = Object.keys(said.content);
      expect(headers).toEqual({ 'content-type': contentType, ...Object.fromEntries(documented) });
      if (contentType !== 'application/json') continue;
      const validate = schemaOf(path, String(statusCode));
      validate(JSON.parse(body));
      expect([body, validate.errors]).toEqual([body, null]);
    }
  });

  test('is what the document says, and every status that it says is ours is answered', () => {
    const ours = Object.entries<{ headers?: object }>(responses).filter(([, { headers }]) => headers !== undefined);
    expect([...seen].sort()).toEqual(ours.map(([status]) => status).sort());
  });

  test('has examples that fit', () => {
    for (const [status, { content }] of Object.entries<{ content: Record<string, { example?: unknown }> }>(responses)) {
      const example = content['application/json']?.example;
      if (example === undefined) continue;
      const validate = schemaOf(path, status);
      validate(example);
      expect([status, validate.errors]).toEqual([status, null]);
    }
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
  const blocksOf = (language: string) =>
    [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text);

  test('shows answers as they are given, with some of the kinds', async () => {
    const [all, one] = await Promise.all(
      [OPERATIONS_PATHS.health, `${OPERATIONS_PATHS.health}/{integration}`].map(async (path) =>
        JSON.parse((await ask(path, {})).body),
      ),
    );
    const some = Object.entries(all.kinds).filter(([kind]) => Object.hasOwn(kinds, kind));
    expect(some).toHaveLength(Object.keys(kinds).length);
    const shown = [{ ...all, kinds: Object.fromEntries(some) }, one];
    expect(blocksOf('json').map((text) => JSON.parse(text))).toEqual(shown);
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
    const [, alerts = ''] = blocksOf('yaml');
    const names = Object.values(GAUGES).map(({ name }) => name);
    const used = [...alerts.matchAll(/\b(learning_time_webhooks_\w+)/g)].map(([, name = '']) => name);
    expect(used.length).toBeGreaterThan(3);
    expect(names).toEqual(expect.arrayContaining(used));
  });
});
