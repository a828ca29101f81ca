import { expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/program.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const DOCUMENT = {
  integrations: [
    { id: 'acme', url: 'https://acme.example:8443/hooks?key=1', auth: { type: 'bearer' }, max_requests_per_minute: 60 },
    { id: 'sleeper', url: 'https://sleeper.example', paused: true, event_types: ['course_enrollment'] },
    { id: 'sleeping-off', url: 'https://off.example', paused: true, active: false },
    { id: 'of-enterprise', url: 'https://e.example', enterprise_customer_uuid: 'e-1', region: 'EU' },
    { id: 'broken', url: 'nowhere' },
  ],
};

const world = eachTest(startOperatorWorld);

const list = (...words: readonly string[]) => runProgram(['integration', 'list', ...words], world.context);

test('says of each what it is, and of those that do not fit why', async () => {
  world.plane.appConfig.store.createVersion('app', 'profile', {
    content: JSON.stringify({ integrations: [] }),
    contentType: 'application/json',
  });
  world.deploy({ integrations: DOCUMENT.integrations.slice(0, 4) });
  expect(await list()).toBe(0);
  const lines = world.printed().split('\n');
  expect(lines).toEqual([
    'stage local, version 3, deployment 2 (COMPLETE)',
    expect.stringMatching(/^id +state +host +auth +format +limit +receives$/),
    expect.stringMatching(/^acme +active +acme\.example:8443 +bearer +learning_time_object +60\/min +by id$/),
    expect.stringMatching(/^sleeper +paused .* by id: course_enrollment$/),
    expect.stringMatching(/^sleeping-off +off /),
    expect.stringMatching(/^of-enterprise +active .* EU of e-1$/),
  ]);
});

test('a document on disk needs no platform', async () => {
  world.stopPlatform();
  await expect(list()).rejects.toThrow(/no platform is running: "npm start" starts one; --file FILE/);
  expect(await list('--file', world.file('document.json', { ...DOCUMENT, paused: true }))).toBe(0);
  expect(world.printed()).toContain('All integrations are paused: "./ltw integration resume --all" ends it.');
  expect(world.printed()).toMatch(/acme +paused/);
  expect(world.printed()).toMatch(/broken +faulty/);
  expect(world.printed()).toMatch(
    /What does not fit:\n {2}integrations\.4\.url: must be an http\(s\) URL.* \(broken\)/,
  );
});

test('how a pause of all of them ends names the stage that was asked', async () => {
  world.deploy({ ...DOCUMENT, integrations: [], paused: true });
  await list('--stage', 'local');
  expect(world.printed()).toContain('"./ltw integration resume --all --stage local" ends it.');
});

test('none yet', async () => {
  await list();
  expect(world.printed()).toContain('No integrations yet.');
});

test('--json: the same entries, and what does not fit', async () => {
  await list('--file', world.file('integrations.json', { paused: true, ...DOCUMENT }), '--json');
  const { integrations, ...rest } = JSON.parse(world.printed());
  expect(rest).toEqual({
    from: expect.stringMatching(/^file .*integrations.json$/),
    is_all_paused: true,
    faults: [expect.stringMatching(/^integrations.4.url: .*\(broken\)$/)],
  });
  expect(integrations).toMatchObject([
    { id: 'acme', state: 'paused', host: 'acme.example:8443', auth: 'bearer', max_requests_per_minute: 60 },
    { id: 'sleeper', state: 'paused', event_types: ['course_enrollment'] },
    { id: 'sleeping-off', state: 'off' },
    { id: 'of-enterprise', state: 'paused', enterprise_customer_uuid: 'e-1', region: 'EU' },
    { id: 'broken', state: 'faulty' },
  ]);
});
