import { expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/main.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const INTEGRATIONS = [
  { id: 'acme', url: 'https://acme.example:8443/hooks?key=1', auth: { type: 'bearer' }, max_requests_per_minute: 60 },
  { id: 'paused', url: 'https://paused.example', paused: true, event_types: ['course_enrollment'] },
  { id: 'paused-off', url: 'https://off.example', paused: true, active: false },
  { id: 'of-enterprise', url: 'https://e.example', enterprise_customer_uuid: 'e-1', region: 'EU' },
  { id: 'broken', url: 'nowhere' },
];

const world = eachTest(startOperatorWorld);

const list = (...words: readonly string[]) => runProgram(['integration', 'list', ...words], world.context);

test('prints each entry, and the faults', async () => {
  world.deploy({ integrations: INTEGRATIONS });
  expect(await list()).toBe(0);
  expect(world.printed().split('\n')).toEqual([
    'stage local, version 2, deployment 2 (COMPLETE)',
    expect.stringMatching(/^id +state +host +auth +format +limit +receives$/),
    expect.stringMatching(/^acme +active +acme\.example:8443 +bearer +learning_time_object +60\/min +by id$/),
    expect.stringMatching(/^paused +paused .* by id: course_enrollment$/),
    expect.stringMatching(/^paused-off +off /),
    expect.stringMatching(/^of-enterprise +active .* EU of e-1$/),
    expect.stringMatching(/^broken +faulty /),
    '',
    'What does not fit:',
    expect.stringMatching(/^ {2}integrations\.4\.url: must be an http\(s\) URL.* \(broken\)/),
  ]);
});

test('a common pause, and the command that ends it', async () => {
  world.deploy({ integrations: [], paused: true });
  await list('--stage', 'local');
  expect(world.printed()).toContain('"./ltw integration resume --all --stage local" ends it.\nNo integrations yet.');
});

test('a document on disk needs no platform; --json', async () => {
  world.stopPlatform();
  await expect(list()).rejects.toThrow(/no platform is running: "npm start" starts one; --file FILE/);
  const entries = world.file('entries.json', INTEGRATIONS);
  await expect(list('--file', entries)).rejects.toThrow(`the integrations document ${entries} is not a JSON object`);
  await list('--file', world.file('integrations.json', { paused: true, integrations: INTEGRATIONS }), '--json');
  expect(JSON.parse(world.printed())).toMatchObject({
    from: expect.stringMatching(/^file .*integrations.json$/),
    is_all_paused: true,
    faults: [expect.stringMatching(/^integrations.4.url: .*\(broken\)$/)],
    integrations: [
      { id: 'acme', state: 'paused', host: 'acme.example:8443', auth: 'bearer', max_requests_per_minute: 60 },
      { id: 'paused', state: 'paused', event_types: ['course_enrollment'] },
      { id: 'paused-off', state: 'off' },
      { id: 'of-enterprise', state: 'paused', enterprise_customer_uuid: 'e-1', region: 'EU' },
      { id: 'broken', state: 'faulty' },
    ],
  });
});
