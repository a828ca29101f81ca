import { lead } from './sample-events.ts';
import { type Scenario, scenario } from './scenario.ts';

/**
 * Leads (document 003), which wait from the moment at which they occur: all that is published of them is of now. Where
 * there are two messages, the second is published once the first one waits.
 */
export function leadScenarios(nowMs: number) {
  const [earlier, now] = [nowMs - 1000, nowMs].map((ms) => new Date(ms).toISOString()) as [string, string];
  const soon = { delay_minutes: 120 };
  const late = { delay_minutes: 600 };
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
      `after ${soon.delay_minutes} minutes: 200`,
    ),
    overtaken: scenario(
      'lead: calculated, then hot: one is sent',
      [lead('demo-overtaken', 'n8n', 44, 'calculated', earlier, soon), lead('demo-overtaking', 'n8n', 44, 'hot', now)],
      'cancelled: superseded by a later event of its user; 200',
    ),
    moved: scenario(
      `lead: moved from ${late.delay_minutes} minutes to ${soon.delay_minutes}`,
      [
        lead('demo-moved', 'n8n', 45, 'calculated', earlier, late),
        lead('demo-moved', 'n8n', 45, 'calculated', now, soon),
      ],
      `after ${soon.delay_minutes} minutes: 200`,
    ),
  } as const satisfies Record<string, Scenario>;
}

export type LeadScenarios = ReturnType<typeof leadScenarios>;
