import { expect, test } from '@jest/globals';
import type { Charts, Totals } from '../../../commands/status/read-charts.ts';
import type { QueueStatus, StageStatus } from '../../../commands/status/read-status.ts';
import { type KeyNumber, keyNumbers } from '../../../console/overview/key-numbers.ts';

const queue = (name: string, waiting: number, oldest_seconds: number | null = null): QueueStatus => ({
  ...{ queue: name, waiting, in_flight: 0, delayed: 0, oldest_seconds },
});

const STATUS = {
  alarms: { total: 47, in_alarm: [] },
  flag: { enabled: true, rollout_percentage: 10, pilots: 2, version: 5, deployment: 7, deployment_state: 'COMPLETE' },
  queues: [
    queue('events', 3, 125),
    queue('deliveries', 4),
    queue('events dead-letter queue', 0, 9999),
    queue('deliveries dead-letter queue', 0),
  ],
  integrations: [{ state: 'active' }, { state: 'paused' }],
} as unknown as StageStatus;

const TOTALS: Totals = {
  ...{ events: 1200, delivered: 1190, failed: 10, successRate: 0.9917, p95Ms: 2400, parked: 5, dead: 0 },
  ...{ flagOn: 3, flagOff: 4 },
};
const charts = (totals: Partial<Totals> = {}) => ({
  result: { span: 'week', totals: { ...TOTALS, ...totals } } as Charts,
  error: undefined,
});
const status = (changes: object = {}) => ({ result: { ...STATUS, ...changes } as StageStatus, error: undefined });

const numbers = (...read: Parameters<typeof keyNumbers>) => new Map(keyNumbers(...read).map((one) => [one.label, one]));
const values = (found: ReadonlyMap<string, KeyNumber>) => [...found].map(([label, { value }]) => [label, value]);

test('each number is what was read, and leads to its details', () => {
  const found = numbers(status(), charts());
  expect([...found.values()].map(({ label, value, detail, href }) => [label, value, detail, href])).toEqual([
    ['Alarms', '0', 'of 47 in ALARM', '#alarms'],
    ['Events in', '1,200', 'in the last week', '/deliveries'],
    ['Deliveries out', '1,190', 'in the last week', '/deliveries?state=delivered'],
    ['Success rate', '99.2 %', '10 failed attempts', '/integrations'],
    ['p95 latency', '2.4 s', 'event to 2xx response', '/deliveries?state=delivered'],
    ['Waiting in queues', '7', 'oldest: 2.1 min', '/architecture'],
    ['Parked', '5', 'in the last week', '/deliveries?state=parked'],
    ['Dead letters', '0', 'messages in both queues', '/dead-letters'],
    ['Flag', 'on, 10 %', '2 pilots, version 5', '/rollout'],
    ['Active integrations', '1 of 2', 'the others: see their state', '/integrations'],
  ]);
  expect([...found.values()].every(({ tone }) => tone !== 'bad')).toBe(true);
});

test('nothing is a number before it was read, and what cannot be read is not known', () => {
  const unread = { result: undefined, error: undefined };
  expect(values(numbers(unread, unread)).every(([, value]) => value === undefined)).toBe(true);
  const failed = { result: undefined, error: 'AWS denies the call' };
  expect(values(numbers(failed, failed)).every(([, value]) => value === 'not known')).toBe(true);
});

test('a part that is denied hides no other', () => {
  const denied = { error: 'AWS denies the call' };
  const found = numbers(status({ queues: denied, alarms: denied }), charts());
  expect(values(found).filter(([, value]) => value === 'not known')).toEqual([
    ['Alarms', 'not known'],
    ['Waiting in queues', 'not known'],
    ['Dead letters', 'not known'],
  ]);
});

test.each([
  ['Alarms', status({ alarms: { total: 47, in_alarm: [{}] } }), charts()],
  ['Success rate', status(), charts({ successRate: 0.899 })],
  ['Dead letters', status({ queues: [queue('deliveries dead-letter queue', 1)] }), charts()],
] as const)('%s stands out where an operator has to act', (label, read, measured) => {
  const bad = [...numbers(read, measured).values()].filter(({ tone }) => tone === 'bad');
  expect(bad.map((one) => one.label)).toEqual([label]);
});

test('a rate and a percentile without attempts have no value, and the flag says that it is off', () => {
  const off = { ...(STATUS.flag as object), enabled: false };
  const found = numbers(status({ flag: off }), charts({ successRate: null, p95Ms: null }));
  expect(['Success rate', 'p95 latency', 'Flag'].map((label) => found.get(label)?.value)).toEqual(['-', '-', 'off']);
});
