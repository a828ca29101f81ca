import { ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { AwsError } from '../../../local/control-plane/aws-error.ts';
import { type ControlPlane, startControlPlane } from '../../../local/control-plane/server.ts';
import { clientOptions } from '../../support/client-options.ts';

let plane: ControlPlane;
let client: SFNClient;
beforeEach(async () => {
  plane = await startControlPlane();
  client = new SFNClient(clientOptions(plane.endpoint));
});
afterEach(async () => {
  client.destroy();
  await plane.close();
});

const list = () => client.send(new ListExecutionsCommand({ stateMachineArn: 'arn:machine' }));

test('a registered service gets operation and body, and responds in JSON 1.0', async () => {
  plane.registerTarget('AWSStepFunctions', async (operation, body) => {
    expect([operation, body]).toEqual(['ListExecutions', { stateMachineArn: 'arn:machine' }]);
    return { executions: [] };
  });
  expect((await list()).executions).toEqual([]);
});

test('an AwsError is that error to the client, and any other error a 500', async () => {
  let thrown: Error = new AwsError('StateMachineDoesNotExist', 400, 'no such machine');
  plane.registerTarget('AWSStepFunctions', async () => {
    throw thrown;
  });
  await expect(list()).rejects.toMatchObject({
    name: 'StateMachineDoesNotExist',
    message: 'no such machine',
    $metadata: { httpStatusCode: 400 },
  });
  thrown = new Error('a fault of ours');
  await expect(list()).rejects.toMatchObject({ name: 'InternalFailure', $metadata: { httpStatusCode: 500 } });
});

test('an unknown service is refused', async () => {
  await expect(list()).rejects.toMatchObject({ name: 'UnknownOperationException' });
});
