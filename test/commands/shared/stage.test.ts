import type { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { expect, test } from '@jest/globals';
import { stackOutputs } from '../../../commands/shared/stage.ts';
import { serviceError } from '../../support/factories.ts';
import { startOperatorWorld } from '../operator-world.ts';

test('the local stage is the platform that runs: outputs, and commands to paste; without one it is an error', async () => {
  const world = await startOperatorWorld();
  const stage = await world.context.openStage('local');
  expect(stage.output('AppConfigApplicationId')).toBe('app');
  expect(stage.awsCli('secretsmanager', 'list-secrets')).toBe(
    `AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION=us-east-1 aws secretsmanager list-secrets --endpoint-url ${world.plane.endpoint}`,
  );
  world.stopPlatform();
  await expect(world.context.openStage('local')).rejects.toMatchObject({
    ...{ name: 'CommandFailed', message: 'no platform is running: "npm start" starts one' },
  });
  await world.close();
});

/** The outputs of stage dev, of a CloudFormation that responds in this way. */
function outputsFrom(describe: (stackName: string | undefined) => object) {
  const send = async ({ input }: DescribeStacksCommand) => describe(input.StackName);
  const client = { send, config: { region: async () => 'eu-north-1' } } as unknown as CloudFormationClient;
  return stackOutputs(client, 'LearningTimeWebhooks-dev');
}

test('a deployed stage has the outputs of its stack', async () => {
  const outputs = await outputsFrom((StackName) => ({
    Stacks: [{ StackName, Outputs: [{ OutputKey: 'SendTestFunctionName', OutputValue: StackName }] }],
  }));
  expect(outputs).toEqual({ SendTestFunctionName: 'LearningTimeWebhooks-dev' });
});

test.each([
  [
    serviceError('ValidationError', 'Stack with id LearningTimeWebhooks-dev does not exist'),
    /no stack LearningTimeWebhooks-dev in eu-north-1/,
  ],
  [serviceError('AccessDenied', 'not authorized to perform: cloudformation:DescribeStacks'), /AWS denies the call/],
])('%s is one line', async (thrown, message) => {
  const outputs = outputsFrom(() => {
    throw thrown;
  });
  await expect(outputs).rejects.toMatchObject({ name: 'CommandFailed', message: expect.stringMatching(message) });
});
