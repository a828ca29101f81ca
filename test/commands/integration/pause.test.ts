import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { integration } from '../../../commands/integration.ts';
import { type OperatorWorld, startOperatorWorld } from '../operator-world.ts';

const ACME = { id: 'acme', url: 'https://acme.example' };
const OTHER = { id: 'other', url: 'https://other.example' };

let world: OperatorWorld;

beforeEach(async () => {
  world = await startOperatorWorld();
  world.deploy({ integrations: [ACME, OTHER] });
});

afterEach(() => world.close());

const run = (...words: readonly string[]) => integration(words, world.context);

test('pause ID: at once, that one alone', async () => {
  expect(await run('pause', 'acme')).toBe(0);
  expect(world.deployed()).toEqual({ integrations: [{ ...ACME, paused: true }, OTHER] });
  expect(world.lastStrategy()).toBe('at-once');
  expect(world.printed()).toContain('Functions notice within 15 s');
});

test('resume ID: what was known of the endpoint is forgotten too', async () => {
  await run('pause', 'acme');
  expect(await run('resume', 'acme')).toBe(0);
  const resumed = { ...ACME, paused: false, resumed_at: new Date(world.nowMs).toISOString() };
  expect(world.deployed()).toEqual({ integrations: [resumed, OTHER] });
  expect(world.lastStrategy()).toBe('at-once');
});

test('pause --all and resume --all: the entries stay as they are', async () => {
  await run('pause', 'other');
  await run('pause', '--all');
  expect(world.deployed()).toEqual({ integrations: [ACME, { ...OTHER, paused: true }], paused: true });
  await run('resume', 'acme');
  expect(world.printed()).toContain('All integrations are paused together, and stay so');
  await run('resume', '--all');
  expect(world.deployed()).toMatchObject({ integrations: [{ id: 'acme' }, { ...OTHER, paused: true }], paused: false });
});

test.each([
  ['pause', ['pause', 'acme'], ['pause', 'acme']],
  ['pause --all', ['pause', '--all'], ['pause', '--all']],
])('%s twice deploys once', async (_, first, second) => {
  await run(...first);
  const versions = world.versions();
  expect(await run(...second)).toBe(0);
  expect(world.versions()).toBe(versions);
  expect(world.printed()).toContain('nothing to do');
});

test('resume --all where nothing is paused together deploys nothing', async () => {
  const versions = world.versions();
  expect(await run('resume', '--all')).toBe(0);
  expect(world.versions()).toBe(versions);
});

test('an unknown id is told with those there are', async () => {
  await expect(run('pause', 'acne')).rejects.toThrow('no integration has the id acne: there are acme, other');
});

test.each([[['pause']], [['pause', 'acme', '--all']], [['resume', '--all', 'acme']], [['pause', 'a/b']]])(
  '%j is a usage error',
  async (words) => {
    await expect(run(...words)).rejects.toMatchObject({ name: 'UsageError' });
  },
);
