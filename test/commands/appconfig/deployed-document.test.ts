import { ListDeploymentsCommand, StartDeploymentCommand } from '@aws-sdk/client-appconfig';
import { beforeEach, describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { type Change, deployChange, readDeployed } from '../../../commands/appconfig/deployed-document.ts';
import { untilServed } from '../../../commands/appconfig/deployments.ts';
import { withAllPaused, withNewEntry } from '../../../commands/integration/integrations-document.ts';
import type { Stage } from '../../../commands/shared/stage.ts';
import { integrationsDocumentSchema } from '../../../lambdas/partners/integration.ts';
import { eachTest } from '../../support/each-test.ts';
import { intercept, startOperatorWorld } from '../operator-world.ts';

const ACME = { id: 'acme', url: 'https://acme.example' };
const OTHER = { id: 'other', url: 'https://other.example' };

const world = eachTest(startOperatorWorld);
let stage: Stage;

beforeEach(async () => {
  stage = await world.context.openStage('local');
});

function change(edit: Change['edit']): Change {
  return { edit, description: 'a test' };
}

const adding = (entry: object) => change((document) => withNewEntry(document, { ...entry }));

function draft(content: object) {
  world.plane.appConfig.store.createVersion('app', 'profile', {
    content: JSON.stringify(content),
    contentType: 'application/json',
  });
}

describe('reading', () => {
  test('the newest deployed version, not the newest one', async () => {
    world.deploy({ integrations: [ACME] });
    draft({ integrations: [] });
    expect(await readDeployed(stage)).toMatchObject({
      document: { entries: [ACME] },
      version: 2,
      latestVersion: 3,
      deployment: 2,
      state: 'COMPLETE',
    });
  });

  test('through all pages of versions and deployments', async () => {
    for (let index = 0; index < 60; index += 1) world.deploy({ integrations: [], paused: index % 2 === 0 });
    world.deploy({ integrations: [ACME] });
    expect(await readDeployed(stage)).toMatchObject({ document: { entries: [ACME] }, version: 62, deployment: 62 });
  });
});

describe('changing', () => {
  test('a draft that nobody deployed is left out, and that is said', async () => {
    draft({ integrations: [OTHER] });
    await deployChange(stage, adding(ACME), world.context);
    expect(world.deployed()).toEqual({ integrations: [ACME] });
    expect(world.printed()).toContain('version 2, which is not deployed, is left out');
  });

  test('a version that somebody makes at the same moment is not overwritten: the change is made again, on top', async () => {
    let times = 0;
    const edit: Change['edit'] = (document) => {
      times += 1;
      if (times === 1) world.deploy({ integrations: [OTHER] });
      return withNewEntry(document, ACME);
    };
    await deployChange(stage, change(edit), world.context);
    expect(times).toBe(2);
    expect(world.deployed()).toEqual({ integrations: [OTHER, ACME] });
  });

  test('a change that is deployed between version and deployment is not overwritten either', async () => {
    let deployments = 0;
    intercept(stage.appConfig, async (command, send) => {
      if (command instanceof StartDeploymentCommand && deployments++ === 0) {
        await deployChange(await world.context.openStage('local'), adding(OTHER), world.context);
      }
      return send();
    });
    await deployChange(stage, adding(ACME), world.context);
    expect(world.deployed()).toEqual({ integrations: [OTHER, ACME] });
    expect(world.printed()).toContain('another change of the integrations was deployed meanwhile');
  });

  test('a deployment whose response is lost, and whose repeat AppConfig refuses, is recognized', async () => {
    intercept(stage.appConfig, async (command, send) => {
      if (command instanceof StartDeploymentCommand) await send();
      return send();
    });
    expect(await deployChange(stage, adding(ACME), world.context)).toBe(2);
    expect(world.deployed()).toEqual({ integrations: [ACME] });
    expect(world.printed()).not.toContain('made again');
  });

  test('a deployment of another command that has no bake time is waited for', async () => {
    const states = ['VALIDATING', 'DEPLOYING'];
    intercept(stage.appConfig, (command, send) => {
      const State = command instanceof ListDeploymentsCommand ? states.shift() : undefined;
      if (State === undefined) return send();
      return { Items: [{ DeploymentNumber: 1, ConfigurationVersion: '1', State, FinalBakeTimeInMinutes: 0 }] };
    });
    await deployChange(stage, adding(ACME), world.context);
    expect(world.deployed()).toEqual({ integrations: [ACME] });
  });

  test('and where it happens again and again, it is given up', async () => {
    const edit: Change['edit'] = (document) => {
      draft({ integrations: [] });
      return withNewEntry(document, ACME);
    };
    await expect(deployChange(stage, change(edit), world.context)).rejects.toThrow(
      /other commands keep changing the integrations/,
    );
    expect(world.deployed()).toEqual({ integrations: [] });
  });

  test('what the validator refuses is told with its place', async () => {
    const schema = JSON.stringify(z.toJSONSchema(integrationsDocumentSchema, { target: 'draft-4', io: 'input' }));
    world.plane.appConfig.defineProfile('app', 'profile', 'AWS.Freeform', [schema]);
    world.deploy({ integrations: [] });
    await expect(deployChange(stage, adding({ id: 'acme' }), world.context)).rejects.toMatchObject({
      name: 'CommandFailed',
      message: expect.stringMatching(/does not take the document: .*\/integrations\/0 .*'url'/),
    });
  });

  test('a deployment that begins in between is told, and what was made', async () => {
    const edit: Change['edit'] = (document) => {
      // Of version 1, so that the lock on the latest version does not notice.
      world.plane.appConfig.store.startDeployment(
        'app',
        'env',
        { profileId: 'profile', version: '1', strategyId: 'careful' },
        60_000,
      );
      return withAllPaused(document, true);
    };
    await expect(deployChange(stage, change(edit), world.context)).rejects.toThrow(
      /version 2 is made and not deployed: deployment 2 is BAKING.*\n.*stop-deployment --application-id app --environment-id env --deployment-number 2 --allow-revert --endpoint-url/,
    );
  });
});

describe('waiting until it is served', () => {
  /** Answers the states of a deployment one after the other. */
  function answer(...states: readonly string[]) {
    const left = [...states];
    intercept(stage.appConfig, (_, send) => {
      const State = left.shift();
      return State === undefined ? send() : { State };
    });
  }

  test('until it bakes', async () => {
    answer('VALIDATING', 'DEPLOYING', 'BAKING');
    await untilServed(stage, 7, world.context);
  });

  test('one that never gets there is given up after 10 minutes', async () => {
    answer(...Array.from({ length: 400 }, () => 'DEPLOYING'));
    await expect(untilServed(stage, 7, world.context)).rejects.toThrow(/still DEPLOYING after 10 minutes/);
  });
});

test('nothing deployed is told', async () => {
  const empty = {
    ...stage,
    output: (name: string) => (name === 'IntegrationsEnvironmentId' ? 'empty' : stage.output(name as never)),
  };
  world.plane.appConfig.store.defineEnvironment('app', 'empty');
  await expect(readDeployed(empty)).rejects.toThrow(
    /nothing is deployed in the integrations environment of stage local/,
  );
});
