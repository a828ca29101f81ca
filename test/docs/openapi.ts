import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { HttpResponse } from '../../lambdas/status/http-api.ts';

/** The API's description that the guides of the status API share. */
export const document = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../docs/status-api/openapi.json'), 'utf8'),
);

export const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
ajv.addSchema(document, 'openapi');

/** What a reference of the document stands for, or the value itself. */
export function resolved<T>(value: T & { readonly $ref?: string }): T {
  if (value.$ref === undefined) return value;
  return value.$ref
    .slice(2)
    .split('/')
    .reduce((found, key) => found[key], document);
}

/** The schema of one answer in JSON, as the document has it. */
export function schemaOf(path: string, status: string): ValidateFunction {
  const keys = ['paths', path, 'get', 'responses', status, 'content', 'application/json', 'schema'];
  const pointer = keys.map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
  const validate = ajv.getSchema(`openapi#/${pointer}`);
  if (validate === undefined) throw new Error(`${status} of ${path} has no schema`);
  return validate;
}

/** Compares a response with the document, where the document has its status. */
export function expectDocumented(path: string, { statusCode, headers, body }: HttpResponse): void {
  const said = document.paths[path].get.responses[statusCode];
  if (said === undefined) return;
  const documented = Object.entries<{ $ref?: string }>(said.headers).map(([name, header]) => [
    name.toLowerCase(),
    (resolved(header) as { schema: { const: string } }).schema.const,
  ]);
  const [contentType = ''] = Object.keys(said.content);
  expect([body, headers]).toEqual([body, { 'content-type': contentType, ...Object.fromEntries(documented) }]);
  if (contentType !== 'application/json') return;
  const validate = schemaOf(path, String(statusCode));
  validate(JSON.parse(body));
  expect([body, validate.errors]).toEqual([body, null]);
}

/** Examples of a path's responses that their schemas refuse, and how many examples there are. */
export function examplesOf(path: string) {
  const responses: Record<string, { content: Record<string, { example?: unknown }> }> =
    document.paths[path].get.responses;
  const examples = Object.entries(responses).flatMap(([status, { content }]) => {
    const example = content['application/json']?.example;
    return example === undefined ? [] : [{ path, status, isFitting: schemaOf(path, status)(example) }];
  });
  return { count: examples.length, unfit: examples.filter(({ isFitting }) => !isFitting) };
}
