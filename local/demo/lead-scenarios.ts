import { lead } from './sample-events.ts';
import { type Scenario, scenario } from './scenario.ts';

/**
 * Leads (document 003), which wait from the moment at which they occur: all that is published of them is of now. Where
 * there are two messages, the second is published once the first one waits.
 *
 * @param delayMinutes how long those that wait do so, in whole minutes of the workflow
 */
export function leadScenarios(nowMs: number, delayMinutes: number) {
  const [earlier, now] = [nowMs - 1000, nowMs].map((ms) => new Date(ms).toISOString()) as [string, string];
  const soon = { delay_minutes: delayMinutes };
  const late = { delay_minutes: 5 * delayMinutes };
  return {
    hot: scenario('lead: hot, to n8n', [lead('demo-hot', 'n8n', 41, 'hot', now)], '200'),
    refused: scenario(
      'lead: hot, refused',
      [lead('demo-refused', 'n8n-inactive', 42, 'hot', now)],
      '404, dead letter: HTTP 404',
    ),
    calculated: scenario(
      'lead: calculated, sent later',
      [lead('demo-calculated', 'n8n', 43, 'calculated', now, soon)],
      `after ${delayMinutes} minutes: 200`,
    ),
    overtaken: scenario(
      'lead: calculated, then hot: one is sent',
      [lead('demo-overtaken', 'n8n', 44, 'calculated', earlier, soon), lead('demo-overtaking', 'n8n', 44, 'hot', now)],
      'cancelled: a later event of its user took its place; 200',
    ),
    moved: scenario(
      `lead: moved from ${late.delay_minutes} minutes to ${delayMinutes}`,
      [
        lead('demo-moved', 'n8n', 45, 'calculated', earlier, late),
        lead('demo-moved', 'n8n', 45, 'calculated', now, soon),
      ],
      `after ${delayMinutes} minutes: 200`,
    ),
  } as const satisfies Record<string, Scenario>;
}

export type LeadScenarios = ReturnType<typeof leadScenarios>;
