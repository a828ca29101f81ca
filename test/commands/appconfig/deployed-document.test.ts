import { ListDeploymentsCommand, StartDeploymentCommand } from '@aws-sdk/client-appconfig';
import { beforeEach, describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { type Change, deployChange } from '../../../commands/appconfig/deployed-document.ts';
import { untilServed } from '../../../commands/appconfig/deployments.ts';
import { INTEGRATIONS, readDeployedIntegrations } from '../../../commands/integration/deployed-integrations.ts';
import { type IntegrationsDocument, withNewEntry } from '../../../commands/integration/integrations-document.ts';
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

const deploy = (edit: Change<IntegrationsDocument>['edit']) =>
  deployChange(INTEGRATIONS, stage, { edit, description: 'a test' }, world.context);

const add = (entry: object) => deploy((document) => withNewEntry(document, { ...entry }));

function draft(content: object) {
  const version = { content: JSON.stringify(content), contentType: 'application/json' };
  world.plane.appConfig.store.createVersion('app', 'profile', version);
}

describe('reading', () => {
  test('the newest deployed version, on whichever page, and not a later draft', async () => {
    for (let index = 0; index < 60; index += 1) world.deploy({ integrations: [], paused: index % 2 === 0 });
    world.deploy({ integrations: [ACME] });
    draft({ integrations: [] });
    expect(await readDeployedIntegrations(stage)).toMatchObject({
      document: { entries: [ACME] },
      version: 62,
      latestVersion: 63,
      deployment: 62,
      state: 'COMPLETE',
    });
  });

  test('fails where nothing is deployed', async () => {
    world.plane.appConfig.store.defineEnvironment('app', 'empty');
    const output: Stage['output'] = (name) => (name === 'IntegrationsEnvironmentId' ? 'empty' : stage.output(name));
    await expect(readDeployedIntegrations({ ...stage, output })).rejects.toThrow(
      'nothing is deployed in the integrations environment of stage local',
    );
  });
});

describe('a change', () => {
  test('leaves out a draft, and reports that', async () => {
    draft({ integrations: [OTHER] });
    await add(ACME);
    expect(world.deployed()).toEqual({ integrations: [ACME] });
    expect(world.printed()).toContain('version 2, which is not deployed, is left out');
  });

  test('is repeated on top of a version that is created and deployed after the read', async () => {
    let edits = 0;
    await deploy((document) => {
      edits += 1;
      if (edits === 1) world.deploy({ integrations: [OTHER] });
      return withNewEntry(document, ACME);
    });
    expect(edits).toBe(2);
    expect(world.deployed()).toEqual({ integrations: [OTHER, ACME] });
  });

  test('is repeated on top of a change that is deployed between its version and its deployment', async () => {
    let starts = 0;
    intercept(stage.appConfig, async (command, send) => {
      if (command instanceof StartDeploymentCommand && starts++ === 0) await add(OTHER);
      return send();
    });
    await add(ACME);
    expect(world.deployed()).toEqual({ integrations: [OTHER, ACME] });
    expect(world.printed()).toContain('another change of the integrations was deployed meanwhile');
  });

  test('fails where other changes keep coming in between', async () => {
    const edited = deploy((document) => {
      draft({ integrations: [] });
      return withNewEntry(document, ACME);
    });
    await expect(edited).rejects.toThrow('other commands keep changing the integrations');
    expect(world.deployed()).toEqual({ integrations: [] });
  });

  test('recognizes its deployment where the response is lost and AppConfig refuses the repeat', async () => {
    intercept(stage.appConfig, async (command, send) => {
      if (command instanceof StartDeploymentCommand) await send();
      return send();
    });
    expect(await add(ACME)).toBe(2);
    expect(world.printed()).not.toContain('repeated');
  });

  test('waits for another deployment that has no bake time', async () => {
    const states = ['VALIDATING', 'DEPLOYING'];
    intercept(stage.appConfig, (command, send) => {
      const State = command instanceof ListDeploymentsCommand ? states.shift() : undefined;
      if (State === undefined) return send();
      return { Items: [{ DeploymentNumber: 1, ConfigurationVersion: '1', State, FinalBakeTimeInMinutes: 0 }] };
    });
    await add(ACME);
    expect(world.deployed()).toEqual({ integrations: [ACME] });
  });

  test('fails where another deployment bakes, with the command that stops that', async () => {
    const baking = { profileId: 'profile', version: '1', strategyId: 'careful' };
    const edited = deploy((document) => {
      // Of version 1, so that the lock on the latest version does not notice.
      world.plane.appConfig.store.startDeployment('app', 'env', baking, 60_000);
      return withNewEntry(document, ACME);
    });
    await expect(edited).rejects.toThrow(
      /version 2 is created but not deployed: deployment 2 is BAKING.*\n.*stop-deployment --application-id app --environment-id env --deployment-number 2 --allow-revert --endpoint-url/,
    );
  });

  test('fails where the validator refuses it, with the path', async () => {
    const schema = JSON.stringify(z.toJSONSchema(integrationsDocumentSchema, { target: 'draft-4', io: 'input' }));
    world.plane.appConfig.defineProfile('app', 'profile', 'AWS.Freeform', [schema]);
    world.deploy({ integrations: [] });
    await expect(add({ id: 'acme' })).rejects.toMatchObject({
      name: 'CommandFailed',
      message: expect.stringMatching(/refuses the document: .*\/integrations\/0 .*'url'/),
    });
  });
});

describe('waiting until a deployment is served', () => {
  const untilBaking = (...states: readonly string[]) => {
    const left = [...states];
    intercept(stage.appConfig, () => ({ State: left.shift() }));
    return untilServed(stage, 7, world.context, INTEGRATIONS);
  };

  test('ends when it bakes', async () => {
    await untilBaking('VALIDATING', 'DEPLOYING', 'BAKING');
  });

  test('fails after 10 minutes', async () => {
    const states = Array.from({ length: 400 }, () => 'DEPLOYING');
    await expect(untilBaking(...states)).rejects.toThrow('deployment 7 is still DEPLOYING after 10 minutes');
  });
});
