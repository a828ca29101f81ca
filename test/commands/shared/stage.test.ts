import { text } from 'node:stream/consumers';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { stackOutputs } from '../../../commands/shared/stage.ts';
import { startHttpServer } from '../../../local/http-server.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

describe('the local stage', () => {
  const world = eachTest(startOperatorWorld);

  test('is the platform that runs: outputs, clients, and commands to paste', async () => {
    const stage = await world.context.openStage('local');
    expect(stage.output('AppConfigApplicationId')).toBe('app');
    expect(stage.awsCli('secretsmanager', 'list-secrets')).toBe(
      `AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION=us-east-1 aws secretsmanager list-secrets --endpoint-url ${world.plane.endpoint}`,
    );
  });

  test('is not there: one line', async () => {
    world.stopPlatform();
    await expect(world.context.openStage('local')).rejects.toMatchObject({
      name: 'CommandFailed',
      message: 'no platform is running: "npm start" starts one',
    });
  });
});

describe('a deployed stage', () => {
  let server: Awaited<ReturnType<typeof startHttpServer>>;
  let asked: URLSearchParams;
  let answer: { status: number; body: string };
  let client: CloudFormationClient;

  beforeEach(async () => {
    server = await startHttpServer(async (request, response) => {
      asked = new URLSearchParams(await text(request));
      response.writeHead(answer.status, { 'content-type': 'text/xml' }).end(answer.body);
    });
    client = new CloudFormationClient({
      endpoint: server.url,
      region: 'eu-north-1',
      credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
      maxAttempts: 1,
    });
  });

  afterEach(async () => {
    client.destroy();
    await server.close();
  });

  function fail(code: string, message: string) {
    answer = {
      status: 400,
      body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
    };
  }

  test('has the outputs of its stack', async () => {
    const member = '<member><OutputKey>SendTestFunctionName</OutputKey><OutputValue>fn-1</OutputValue></member>';
    answer = {
      status: 200,
      body: `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member><StackName>x</StackName><Outputs>${member}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
    };
    expect(await stackOutputs(client, 'LearningTimeWebhooks-dev')).toEqual({ SendTestFunctionName: 'fn-1' });
    expect(asked.get('StackName')).toBe('LearningTimeWebhooks-dev');
  });

  test('that is not there: region and stack are named', async () => {
    fail('ValidationError', 'Stack with id LearningTimeWebhooks-dev does not exist');
    await expect(stackOutputs(client, 'LearningTimeWebhooks-dev')).rejects.toMatchObject({
      name: 'CommandFailed',
      message: expect.stringMatching(/no stack LearningTimeWebhooks-dev in eu-north-1/),
    });
  });

  test('that AWS denies is one line', async () => {
    fail('AccessDenied', 'User is not authorized to perform: cloudformation:DescribeStacks');
    await expect(stackOutputs(client, 'x')).rejects.toMatchObject({
      name: 'CommandFailed',
      message: expect.stringMatching(/AWS denies it to you/),
    });
  });
});
