import { describe, expect, test } from '@jest/globals';
import {
  documentFaults,
  entryFaults,
  entryOf,
  readDocument,
  readEntry,
  withChangedEntry,
  withNewEntry,
  writeDocument,
} from '../../../commands/integration/integrations-document.ts';

const ACME = { id: 'acme', url: 'https://acme.example/hooks' };
const NEWER = { id: 'newer', url: 'https://newer.example', field_of_tomorrow: { a: [1, null] } };
const document = (fields: object) => readDocument(JSON.stringify(fields));

test('a change of one entry leaves all else as it was written, without defaults', () => {
  const before = { integrations: [NEWER, ACME, 'no entry'], note: 'kept', paused: false };
  const after = JSON.parse(writeDocument(withChangedEntry(document(before), 'acme', { paused: true })));
  expect(after).toEqual({ ...before, integrations: [NEWER, { ...ACME, paused: true }, 'no entry'] });
});

test('an id that is taken, by a faulty entry too, is refused', () => {
  const taken = document({ integrations: [{ id: 'acme' }] });
  expect(() => withNewEntry(taken, ACME)).toThrow(/an integration acme already/);
});

test('an unknown id is refused with those that exist', () => {
  expect(() => entryOf(document({ integrations: [ACME, NEWER] }), 'acne')).toThrow(
    'no integration has the id acne: there are acme, newer',
  );
  expect(() => entryOf(document({ integrations: [] }), 'acme')).toThrow(/there are none yet/);
});

test.each([
  ['no JSON', '{', /is not JSON/],
  ['no object', '[]', /is not a JSON object/],
  ['no list', '{"integrations":{}}', /has no list "integrations"/],
])('%s is no document', (_, text, reason) => {
  expect(() => readDocument(text)).toThrow(reason);
});

test('faults have their paths and ids', () => {
  const faulty = document({
    integrations: [ACME, { ...ACME, timeout_seconds: 1, max_retries: 99 }, { url: 'ftp://x' }, 7],
    paused: 'yes',
    extra: 1,
  });
  expect(documentFaults(faulty)).toEqual([
    expect.stringMatching(/^paused: /),
    expect.stringMatching(/^as a whole: .*extra/),
    expect.stringMatching(/^integrations\.1\.timeout_seconds: .* \(acme\)$/),
    expect.stringMatching(/^integrations\.1\.max_retries: .* \(acme\)$/),
    'integrations.1.id: is taken by an earlier entry (acme)',
    expect.stringMatching(/^integrations\.2\.id: /),
    expect.stringMatching(/^integrations\.2\.url: must be an http\(s\) URL/),
    expect.stringMatching(/^integrations\.3\.as a whole: /),
  ]);
});

test('a header has two forms: the fault of the nearer one is reported', () => {
  const read = readEntry({ ...ACME, headers: [{ name: 'Host', value: 'x' }] });
  expect(read).toEqual({ faults: ['headers.0.name: is a header that the sender sets itself'] });
});

describe('an option of a payload format', () => {
  test.each([
    [{ payload_format: 'percipio', duration_unit: 'hours' }],
    [{ payload_format: 'completion_field' }],
    [{ duration_unit: undefined }],
  ])('fits in %j', (fields) => expect(entryFaults(JSON.parse(JSON.stringify({ ...ACME, ...fields })))).toEqual([]));

  test.each([
    [{ payload_format: 'completion_field', duration_unit: 'hours' }, 'completion_field'],
    // The default of the field, and of the option, which the entry names all the same.
    [{ duration_unit: 'seconds' }, 'learning_time_object'],
  ])('is a fault of %j, which the pipeline ignores', (fields, format) => {
    const fault = `duration_unit: is an option of percipio, and the payload_format is ${format}`;
    expect(entryFaults({ ...ACME, ...fields })).toEqual([fault]);
    expect(readEntry({ ...ACME, ...fields })).toHaveProperty('integration');
    expect(documentFaults(document({ integrations: [{ ...ACME, ...fields }] }))).toEqual([
      `integrations.0.${fault} (acme)`,
    ]);
  });

  test('of an unknown format is not judged', () => {
    expect(entryFaults({ ...ACME, payload_format: 'xml', duration_unit: 'hours' })).toEqual([
      expect.stringMatching(/^payload_format: /),
    ]);
  });
});
