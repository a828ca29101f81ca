import { describeWait } from '../demo/describe-execution.ts';
import { output } from '../demo/operator.ts';
import { type Behaviour, describeBehaviour } from '../demo/partner-responses.ts';
import { DEMO_PARTNERS } from '../demo/partners.ts';
import { POLL_INTERVAL_MS, type Session } from '../demo/session.ts';
import { COMMANDS_USAGE, type Command, parseCommand } from './commands.ts';
import { CommandRefused } from './control-server.ts';
import { DEAD_LETTER_QUEUES } from './narrator.ts';

const AFTER_A_SKIP =
  "Receivers outside of the platform refuse a webhook-timestamp that is over 5 minutes off. Tokens of the issuer last ten minutes of the platform's time: ask for new ones. What is pasted with $(date) occurred before the skip, so a lead of two minutes is due at once.";

/** Executes a command in a session and returns the text for the user. @throws CommandRefused */
export type Controls = (words: readonly string[]) => Promise<string>;

/** @param onSkip called after the clock has moved */
export function createControls(session: Session, onSkip: () => void = () => {}): Controls {
  const switches = { flag: 'off', warehouse: 'up', cache: 'up', appconfig: 'up' };
  const notice = `functions notice within ${POLL_INTERVAL_MS / 1000} s`;

  const actions: { readonly [W in Command['what']]: (command: Command & { what: W }) => string | Promise<string> } = {
    flag({ isOn }) {
      session.switchFlag(isOn);
      switches.flag = isOn ? 'on' : 'off';
      return `flag ${switches.flag}${isOn ? ', for all enterprises' : ''}: ${notice}`;
    },
    warehouse({ mode }) {
      session.warehouse.setMode(mode);
      switches.warehouse = mode;
      return `warehouse ${mode}`;
    },
    partner({ id, behaviour }) {
      requirePartner(session, id);
      session.partner.setBehaviour(`/${id}`, behaviour === 'up' ? 200 : behaviour);
      return `partner ${describePartner(id, behaviour === 'up' ? 200 : behaviour)}`;
    },
    'new-secret'({ id }) {
      requirePartner(session, id);
      try {
        session.adoptSigningSecret(id);
      } catch (thrown) {
        throw new CommandRefused((thrown as Error).message);
      }
      return `partner ${id} verifies with its newest signing secret`;
    },
    cache() {
      session.platform.valkey.kill();
      switches.cache = 'down';
      return 'cache down, until the next npm start';
    },
    appconfig({ isDown }) {
      session.platform.appConfig.setDown(isDown);
      switches.appconfig = isDown ? 'down' : 'up';
      return `appconfig ${switches.appconfig}`;
    },
    alarm({ name, isInAlarm }) {
      const { alarms, appConfig } = session.platform;
      const alarmArn = alarms.find((arn) => arn.endsWith(`-${name}`));
      if (alarmArn === undefined) {
        const names = alarms.map((arn) => arn.replace(/^.*learning-time-webhooks-local-/, ''));
        throw new CommandRefused(`no alarm ${name}: there are ${names.join(', ')}`);
      }
      appConfig.store.setAlarm(alarmArn, isInAlarm);
      return `alarm ${name} is ${isInAlarm ? 'in ALARM' : 'OK'}`;
    },
    async skip({ durationMs }) {
      try {
        await session.skip(durationMs);
      } finally {
        // A skip that fails has moved the clock as well.
        onSkip();
      }
      return `the platform's time is ${new Date().toISOString().slice(0, 19)}Z. ${AFTER_A_SKIP}`;
    },
    mails() {
      const lines = session.platform.topics.mails.map(({ address, kind, text }) =>
        kind === 'notification' ? line('notice', `to ${address}: ${text}`) : line('confirm', `to ${address}`),
      );
      return lines.length === 0 ? 'there are none' : lines.join('\n');
    },
    confirm({ address }) {
      if (!session.platform.topics.confirm(address))
        throw new CommandRefused(`no subscription of ${address} is pending`);
      return `${address} is confirmed`;
    },
    status: async () =>
      [
        line('time', `${new Date().toISOString().slice(0, 19)}Z`),
        ...switchLines(switches),
        ...partnerLines(session),
        ...(await whereEventsAre(session)),
      ].join('\n'),
  };

  return async (words) => {
    const command = parseCommand(words);
    if (command === undefined) throw new CommandRefused(COMMANDS_USAGE);
    const act = actions[command.what] as (command: Command) => string | Promise<string>;
    return act(command);
  };
}

function requirePartner({ partner: { behaviours } }: Session, id: string): void {
  if (behaviours.has(`/${id}`)) return;
  throw new CommandRefused(`no partner ${id}: there are ${[...behaviours.keys()].map(withoutSlash).join(', ')}`);
}

function switchLines(switches: Readonly<Record<string, string>>): string[] {
  return Object.entries(switches).map(([name, state]) => line(name, state));
}

function partnerLines({ partner }: Session): string[] {
  return [...partner.behaviours].map(([path, behaviour]) =>
    line('partner', describePartner(withoutSlash(path), behaviour)),
  );
}

function describePartner(id: string, behaviour: Behaviour): string {
  return `${id}: ${describeBehaviour(behaviour)}${DEMO_PARTNERS[id]?.entry?.active === false ? ' (integration not active)' : ''}`;
}

async function whereEventsAre({ platform, partner }: Session): Promise<string[]> {
  const lines: string[] = [];
  for (const [queue, name] of [
    ['events', 'EventsQueueUrl'],
    ['deliveries', 'DeliveriesQueueUrl'],
  ] as const) {
    const { ready, delayed, inflight } = await platform.queues.content(output(platform, name));
    lines.push(line('queue', `${queue}: ${ready.length + delayed.length} waiting, ${inflight.length} in flight`));
  }
  const running = platform.stateMachine.executions().filter(({ status }) => status === 'RUNNING');
  lines.push(line('workflow', `${running.length} running`));
  lines.push(...running.map((execution) => line('', `${execution.name} ${describeWait(execution)}`)));
  for (const [queue, name] of DEAD_LETTER_QUEUES) {
    lines.push(line('dead-letter', `${queue}: ${platform.queues.messages(output(platform, name)).length}`));
  }
  return [...lines, line('webhooks', `${partner.receipts.length} received`)];
}

function line(name: string, text: string): string {
  return `${name.padEnd(11)}  ${text}`;
}

function withoutSlash(path: string): string {
  return path.slice(1);
}
