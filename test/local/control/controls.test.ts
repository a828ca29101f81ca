import { expect, test } from '@jest/globals';
import { NotReached } from '../../../local/clock/clock.ts';
import { createControls } from '../../../local/control/controls.ts';
import type { Session } from '../../../local/demo/session.ts';

test('a skip that gives up on the way has moved the clock as well: it is reported, and its error too', async () => {
  let skips = 0;
  const session = { skip: () => Promise.reject(new NotReached('skip: the platform is still at work')) };
  const controls = createControls(session as unknown as Session, () => {
    skips += 1;
  });
  await expect(controls(['skip', '2h'])).rejects.toThrow('still at work');
  expect(skips).toBe(1);
});

test('mails shows what contacts received, and confirm follows the link of one', async () => {
  const mails: object[] = [];
  const topics = { mails, confirm: (address: string) => address === 'new@partner.example' };
  const controls = createControls({ platform: { topics } } as unknown as Session);
  expect(await controls(['mails'])).toBe('there are none');
  mails.push({ address: 'new@partner.example', kind: 'confirmation', text: 'a token' });
  mails.push({ address: 'old@partner.example', kind: 'notification', text: '{"reason":"endpoint_gone"}' });
  expect(await controls(['mails'])).toBe(
    'confirm      to new@partner.example\nnotice       to old@partner.example: {"reason":"endpoint_gone"}',
  );
  expect(await controls(['confirm', 'new@partner.example'])).toBe('new@partner.example is confirmed');
  await expect(controls(['confirm', 'old@partner.example'])).rejects.toThrow(
    'no subscription of old@partner.example is pending',
  );
});
