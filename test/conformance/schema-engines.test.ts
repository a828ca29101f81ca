import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { flattenFlags } from '../../local/appconfig/feature-flags.ts';
import { jsonSchemaValidator } from '../../local/appconfig/json-schema-validator.ts';
import { DEMO_PARTNERS, entriesOf } from '../../local/demo/partners.ts';
import { LOCAL_ASSEMBLY, LOCAL_STACK } from '../../local/synthesize.ts';
import {
  JDK_ENGINES,
  missingJdkEngines,
  type SchemaCase,
  type Verdicts,
  verdictsOf,
} from '../support/jdk-schema-engines.ts';
import { describeWithPart } from '../support/optional-part.ts';
import { resourcesOf, type Template } from '../support/synthesized-stack.ts';

/**
 * AppConfig does not say which JSON Schema engine it runs, and its own services are written for the JDK. So what this
 * project has AppConfig evaluate must mean the same to the JDK's engines, and with RE2's patterns, as to ajv, which stands for
 * them locally.
 */
const template: Template = JSON.parse(readFileSync(join(LOCAL_ASSEMBLY, `${LOCAL_STACK}.template.json`), 'utf8'));

const SEED = Number(process.env.FC_SEED ?? Date.now() % 2 ** 31);
const TEXTS_PER_PATTERN = 200;

const validators = resourcesOf(template, 'AWS::AppConfig::ConfigurationProfile').flatMap(([, { Properties }]) =>
  (Properties.Validators ?? []).map((validator: { Type: string; Content: string }) => validator),
) as readonly { readonly Type: string; readonly Content: string }[];

const flagDocuments = resourcesOf(template, 'AWS::AppConfig::HostedConfigurationVersion')
  .map(([, { Properties }]) => JSON.parse(Properties.Content))
  .filter(({ flags }) => flags !== undefined);

/** Every `pattern` in a schema or in a flag's constraints. */
function patternsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'pattern' && typeof inner === 'string' ? [inner] : patternsIn(inner),
  );
}

const patterns = [
  ...new Set([...validators.map(({ Content }) => JSON.parse(Content)), ...flagDocuments].flatMap(patternsIn)),
];

const EDGES = [
  '',
  ' ',
  'a',
  'é',
  'ſ',
  '٣',
  '🎓',
  '\u00a0',
  '\u0000',
  '\u0085',
  '\u2028',
  'Host',
  'wEbhook-id',
  'Hosts',
];
const STRANGE = fc.constantFrom(...Array.from('[]&\\^$-/:?#@%. \t\u00a0\u0085\u2028é٣🎓\u0000\n\r'));

/** Texts that a pattern takes, each once as it is and once with a character put into it or taken out. */
function textsFor(pattern: string): string[] {
  const fitting = fc.stringMatching(new RegExp(pattern, 'u'), { size: '-1' });
  const changed = fc.tuple(fitting, fc.nat(), STRANGE, fc.boolean()).map(([text, at, strange, isAdded]) => {
    const characters = [...text];
    characters.splice(at % (characters.length + 1), isAdded ? 0 : 1, ...(isAdded ? [strange] : []));
    return characters.join('');
  });
  return [...EDGES, ...fc.sample(fc.oneof(fitting, changed), { seed: SEED, numRuns: TEXTS_PER_PATTERN })];
}

const acme = { id: 'acme', url: 'https://lms.example.com/hooks?x=1' };
const ADDRESSES = [
  'https://[2001:db8::1]:8443/hooks',
  'https://lms.example.com:65536',
  'https://user:secret@lms.example.com',
  'https://lms.example.com/hooks#part',
  'https://a[b].example.com',
  'https://a&&b.example.com/?q=[1]',
  'https:// lms.example.com',
  'https://lms\u00a0.example.com',
  'https://lms.example.com/\u2003',
];
const FORM_TOKEN = {
  ...{ type: 'oauth2_client_credentials', token_url: 'https://lms.example.com/token' },
  ...{ token_request: 'form', client_authentication: 'basic' },
};
const ENTRY_CHANGES: readonly object[] = [
  ...ADDRESSES.map((url) => ({ url })),
  ...ADDRESSES.map((token_url) => ({ auth: { type: 'oauth2_client_credentials', token_url } })),
  { auth: { type: 'api_key', header: 'X-Partner-Key' } },
  { auth: { type: 'api_key', header: 'host' } },
  { auth: { type: 'bearer', token: 'in the wrong place' } },
  { auth: null },
  { headers: [{ name: 'X-Tenant', from_secret: 'tenant' }] },
  { headers: [{ name: 'X-Tenant', value: 'x', from_secret: 'tenant' }] },
  { headers: [{ name: 'X-Tenant', value: 'two\r\nHost: lines' }] },
  { headers: Array(21).fill({ name: 'X-Tenant', value: 'x' }) },
  { event_types: [] },
  { event_types: ['grade'] },
  { timeout_seconds: 300 },
  { timeout_seconds: 5.5 },
  { timeout_seconds: '15' },
  { max_retries: 11 },
  ...[404, 400, 499, 399, 500, 401, 410, 404.5, '404'].map((status) => ({ retry_on_status: [404, status] })),
  ...['', 'a b', 'a  b'].map((scope) => ({ auth: { ...FORM_TOKEN, scope } })),
  ...['https://api.example.com/', '', 'é', ' a'].map((audience) => ({ auth: { ...FORM_TOKEN, audience } })),
  { auth: { ...FORM_TOKEN, token_request: 'xml' } },
  { max_retries_by_event_type: { grade: 0 } },
  { retry_delays_seconds: [1, 86_400] },
  { resumed_at: 'yesterday' },
  { payload_format: 'percipio', duration_unit: 'minutes' },
  { payload_format: 'xml' },
  { encrypted_fields: ['user..email'] },
  { region: 'EU', enterprise_customer_uuid: 'a1b2c3d4-e5f6-7890-abcd-ef1234567890' },
  { region: 'eu' },
  { active: 'yes' },
];
const DOCUMENTS = [
  {},
  [],
  null,
  { integrations: [] },
  { paused: true, integrations: [acme] },
  { paused: 'yes', integrations: [] },
  { integrations: [{ id: 'acme' }] },
  { integrations: [acme], version: 2 },
  { integrations: entriesOf(DEMO_PARTNERS, 'https://partners.example.com') },
  ...ENTRY_CHANGES.map((change) => ({ integrations: [{ ...acme, ...change }] })),
].map((document) => JSON.stringify(document));

/** The verdicts of ajv. */
function ajvOn({ schema, documents }: SchemaCase): boolean[] {
  const validate = jsonSchemaValidator(schema);
  return documents.map((document) => validate(document).length === 0);
}

/** `$` of the JDK also matches before a line end that is the last character. The functions refuse such a value. */
function endsInLineEnd(document: string): boolean {
  const value: unknown = JSON.parse(document);
  return typeof value === 'string' && /[\n\r\u0085\u2028\u2029]$/.test(value);
}

/** Documents on which an engine and ajv differ, but for the known difference. */
function differences(one: SchemaCase, verdicts: Verdicts): string[] {
  const expected = ajvOn(one);
  return JDK_ENGINES.flatMap((engine) => {
    const verdict = verdicts[engine];
    if ('refused' in verdict) return [`${engine} does not load it: ${verdict.refused}`];
    return one.documents.flatMap((document, at) => {
      if (verdict.accepted[at] === expected[at] || (verdict.accepted[at] && endsInLineEnd(document))) return [];
      return [`${document}: ${engine} ${verdict.accepted[at] ? 'takes' : 'refuses'} it, ajv does not agree`];
    });
  });
}

describeWithPart('JSON Schema engines of the JDK', missingJdkEngines(), () => {
  test('every schema and every flag of the template is one that this file knows', () => {
    expect(validators.map(({ Type }) => Type)).toEqual(['JSON_SCHEMA']);
    expect(flagDocuments).toHaveLength(1);
    for (const document of flagDocuments) expect(flattenFlags(JSON.stringify(document))).toHaveProperty('content');
  });

  test('take and refuse the same integrations documents as ajv', () => {
    const cases = validators.map(({ Content }) => ({ schema: Content, documents: DOCUMENTS }));
    const found = verdictsOf(cases).flatMap((verdicts, at) => differences(cases[at] as SchemaCase, verdicts));
    expect(found).toEqual([]);
    // The corpus holds both kinds.
    expect(new Set(cases.flatMap(ajvOn))).toEqual(new Set([true, false]));
  });

  test(`read every pattern as ajv does (seed ${SEED}, set with FC_SEED)`, () => {
    const cases = patterns.map((pattern) => ({
      schema: JSON.stringify({ $schema: 'http://json-schema.org/draft-04/schema#', type: 'string', pattern }),
      documents: textsFor(pattern).map((text) => JSON.stringify(text)),
    }));
    const found = verdictsOf(cases).flatMap((verdicts, at) =>
      differences(cases[at] as SchemaCase, verdicts).map((difference) => `${patterns[at]} ${difference}`),
    );
    expect(found).toEqual([]);
    expect(cases.map((one) => new Set(ajvOn(one)).size)).toEqual(patterns.map(() => 2));
  });
});
