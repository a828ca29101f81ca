import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/main.ts';
import type { Context } from '../../../commands/shared/context.ts';
import { Clock } from '../../../local/clock/clock.ts';
import { Queues } from '../../../local/sqs/queues.ts';
import { queue } from '../../support/assembly.ts';
import { eachTest } from '../../support/each-test.ts';
import { resolverOf } from '../../support/running-platform.ts';
import { intercept, startOperatorWorld } from '../operator-world.ts';

/** An operator with the two queues of events, of the local SQS. */
async function startRejected() {
  const RedrivePolicy = { deadLetterTargetArn: { 'Fn::GetAtt': ['Rejected', 'Arn'] }, maxReceiveCount: 1000 };
  const resolver = resolverOf({ Events: queue({ RedrivePolicy }), Rejected: queue() }, ['AWS::SQS::Queue']);
  const clock = new Clock();
  const queues = await Queues.start({ clock });
  queues.register(resolver);
  await queues.create(resolver);
  const url = (id: string) => String(resolver.resolve({ Ref: id }, id));
  const world = await startOperatorWorld({
    endpoints: { AWS_ENDPOINT_URL_SQS: queues.endpoint },
    outputs: {
      EventsQueueArn: 'arn:aws:sqs:us-east-1:000000000000:Events',
      EventsDeadLetterQueueUrl: url('Rejected'),
    },
  });
  const context: Context = {
    ...world.context,
    async openStage(name) {
      const opened = await world.context.openStage(name);
      intercept(opened.sqs, (command, send) => {
        if (command instanceof ReceiveMessageCommand) {
          // Without a wait SQS asks only some of its servers; the local queue needs none.
          expect(command.input.WaitTimeSeconds).toBe(1);
          command.input.WaitTimeSeconds = 0;
        }
        return send();
      });
      return opened;
    },
  };
  return {
    world,
    run: (...words: readonly string[]) => runProgram(['rejected', ...words], context),
    /** @returns its message id */
    async reject(body: string, attributes: Readonly<Record<string, string>>): Promise<string> {
      const MessageAttributes = Object.fromEntries(
        Object.entries(attributes).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]),
      );
      const { MessageId } = await queues.client.send(
        new SendMessageCommand({ QueueUrl: url('Rejected'), MessageBody: body, MessageAttributes }),
      );
      return MessageId ?? '';
    },
    rejected: () => queues.messages('Rejected'),
    events: () => queues.messages('Events'),
    async close() {
      clock.stop();
      await world.close();
      await queues.stop();
    },
  };
}

const stage = eachTest(startRejected);

const BODY = JSON.stringify({ event_type: 'lead', event_id: 'e-1', payload: { email: 'learner@example.com' } });

test('list: each with the reason, and no payload; the messages stay', async () => {
  expect(await stage.run('list')).toBe(0);
  expect(stage.world.printed()).toBe('no rejected events of stage local');
  const first = await stage.reject(BODY, { reason: 'no integration has this id', integration_id: 'acme' });
  const second = await stage.reject('not\nJSON', { reason: 'not JSON' });
  const third = await stage.reject('[]', {});
  expect(await stage.run('list')).toBe(0);
  const printed = stage.world.printed().replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'TIME');
  expect(printed.split('\n').slice(2)).toEqual([
    `${first}  TIME  acme         lead  no integration has this id`,
    `${second}  TIME  -            -     not JSON`,
    `${third}  TIME  -            -     not with the message: the log of EnrichBatch has it`,
    '',
    '3 rejected events of stage local',
  ]);
  expect(printed).not.toContain('learner@example.com');
  expect(stage.rejected()).toHaveLength(3);
  // The next command finds them again, at once.
  await stage.run('list');
  expect(stage.world.printed()).toMatch(/3 rejected events[\s\S]*3 rejected events/);
});

test('list: at most as many as asked for; as JSON, with the payload on request', async () => {
  const ids = new Set<string>();
  for (let count = 0; count < 12; count += 1) ids.add(await stage.reject(BODY, { reason: 'r' }));
  await stage.run('list', '--number', '11', '--json', '--payload');
  const { events } = JSON.parse(stage.world.printed());
  expect(events).toHaveLength(11);
  for (const event of events) {
    expect(ids).toContain(event.message_id);
    expect(event).toMatchObject({ reason: 'r', event_type: 'lead', event_id: 'e-1', payload: BODY });
  }
});

test('show: one by the start of its message id; the payload only with --payload', async () => {
  const id = await stage.reject(BODY, { reason: 'why', integration_id: 'acme' });
  expect(await stage.run('show', id)).toBe(0);
  expect(stage.world.printed()).toContain(`payload      ${BODY.length} bytes; --payload prints it`);
  await stage.run('show', id, '--json');
  await stage.run('list', '--json');
  expect(stage.world.printed()).not.toContain('learner@example.com');
  await stage.run('show', id.slice(0, 13), '--payload');
  expect(stage.world.printed()).toMatch(
    new RegExp(
      `\nmessage      ${id}\nrejected     .*Z\nintegration  acme\nevent        lead e-1\nreason       why\npayload      below\n\n`,
    ),
  );
  expect(stage.world.printed()).toContain(BODY);
});

test('show: an id that is not there, or the start of several', async () => {
  await expect(stage.run('show', 'x')).rejects.toThrow('no rejected event of stage local has the message id x');
  // Ids are hexadecimal: of 17, two have the same first digit.
  const ids: string[] = [];
  for (let count = 0; count < 17; count += 1) ids.push(await stage.reject('{}', {}));
  const alike =
    Object.values(Object.groupBy(ids, ([digit]) => String(digit))).find((some = []) => some.length > 1) ?? [];
  const start = String(alike[0]?.[0]);
  const failure = await stage.run('show', start).catch((thrown: Error) => thrown.message);
  expect(failure).toMatch(new RegExp(`^${start} is the start of ${alike.length} message ids:\n`));
  for (const id of alike) expect(failure).toContain(`\n  ${id}`);
});

test('redrive: moves all to the events queue, unchanged', async () => {
  await stage.reject(BODY, { reason: 'r' });
  stage.world.answers.push('y');
  expect(await stage.run('redrive')).toBe(0);
  expect(stage.world.questions).toEqual(['Send 1 message of stage local again, 10 a second? [y/N] ']);
  expect(stage.events()).toMatchObject([{ body: BODY }]);
  expect(stage.rejected()).toEqual([]);
  expect(stage.world.printed()).toBe('moved 1 message: each is accepted, or rejected again');
  await stage.run('redrive');
  expect(stage.world.printed()).toContain('no messages in the events dead-letter queue of stage local');
});
