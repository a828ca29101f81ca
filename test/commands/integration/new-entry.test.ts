import { expect, test } from '@jest/globals';
import { type EntryOptions, newEntry } from '../../../commands/integration/new-entry.ts';

const options = (given: Partial<EntryOptions>): EntryOptions => ({
  ...{ file: undefined, id: 'acme', url: 'https://acme.example', auth: undefined, authHeader: undefined },
  ...{ tokenUrl: undefined, scope: undefined, set: [] },
  ...given,
});

test('holds what was said and no default but that it is active', () => {
  expect(newEntry(options({}))).toEqual({ id: 'acme', url: 'https://acme.example', active: true });
  expect(newEntry(options({ set: ['active=false'] }))).toMatchObject({ active: false });
});

test('a header for an API key', () => {
  expect(newEntry(options({ auth: 'api_key', authHeader: 'X-Key' }))).toMatchObject({
    auth: { type: 'api_key', header: 'X-Key' },
  });
});

test.each([
  ['a number', 'max_retries=3', { max_retries: 3 }],
  ['a list', 'event_types=["course_completion"]', { event_types: ['course_completion'] }],
  ['a text', 'payload_format=percipio', { payload_format: 'percipio' }],
  ['digits where the field is a text', 'enterprise_customer_uuid=12345', { enterprise_customer_uuid: '12345' }],
  ['an unknown field, for the schema to refuse', 'x=a=b', { x: 'a=b' }],
])('%s', (_, pair, expected) => {
  expect(newEntry(options({ set: [pair] }))).toMatchObject(expected);
});
