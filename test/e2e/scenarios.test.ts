import { expect, test } from '@jest/globals';
import { PAYLOAD_FORMATS } from '../../lambdas/partners/payload-formats/payload-formats.ts';
import { play } from '../../local/demo/script.ts';
import { formatTable, type Row } from '../../local/demo/table.ts';
import { runningSession } from './running-session.ts';

const session = runningSession();

test('every scenario of the demo ends as expected', async () => {
  const rows: Row[] = await play(session(), () => {});

  expect(formatTable(rows.filter(({ isExpected }) => !isExpected))).toBe('');
  expect(rows).toHaveLength(30 + PAYLOAD_FORMATS.length);
});
