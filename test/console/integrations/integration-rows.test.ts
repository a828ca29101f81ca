import { expect, test } from '@jest/globals';
import type { IntegrationStatus } from '../../../commands/status/read-integrations.ts';
import {
  ageText,
  attemptsText,
  integrationRows,
  type ListedIntegration,
  matchingRows,
  rowIndicator,
  timeText,
} from '../../../console/integrations/integration-rows.ts';

const LISTED = { id: 'acme', state: 'active', host: 'hooks.acme.example', auth: 'bearer' } as ListedIntegration;
const STATUS: IntegrationStatus = {
  ...{ id: 'acme', state: 'failing', attempts: 4, success_rate: 0, parked: 2 },
  ...{ last_response: 'HTTP 503', last_response_at: null, next_attempt_at: null },
};

test('a row has the state of the registry until the ledger is read', () => {
  const [before] = integrationRows([LISTED], [], [], true);
  expect(before).toMatchObject({ id: 'acme', state: 'active', host: 'hooks.acme.example', status: undefined });
  const [after] = integrationRows([LISTED], [STATUS], [], true);
  expect(after).toMatchObject({ state: 'failing', status: STATUS });
});

test('an integration is not shown as active before its deliveries are read', () => {
  const shown = (statuses: readonly IntegrationStatus[], isReading: boolean, listed = LISTED) =>
    integrationRows([listed], statuses, [], isReading).map(rowIndicator);
  expect(shown([], true)).toEqual([{ type: 'loading', text: 'reading' }]);
  expect(shown([], false)).toEqual([{ type: 'pending', text: 'active; deliveries not read' }]);
  expect(shown([STATUS], true)).toEqual([{ type: 'error', text: 'parked: failing' }]);
  expect(shown([], true, { ...LISTED, state: 'paused' } as ListedIntegration)).toEqual([
    { type: 'stopped', text: 'paused' },
  ]);
});

test('a faulty entry has a row, whatever its id is', () => {
  const rows = integrationRows([{ id: 7, state: 'faulty' } as ListedIntegration], [], [], false);
  expect(rows).toEqual([expect.objectContaining({ id: '', state: 'faulty', host: undefined })]);
});

test('the filter looks at id, host, state, auth and response, in any case', () => {
  const rows = integrationRows(
    [LISTED, { ...LISTED, id: 'globex', host: 'globex.example' } as never],
    [STATUS],
    [],
    false,
  );
  const found = (text: string) => matchingRows(rows, text).map(({ id }) => id);
  expect(found(' ')).toEqual(['acme', 'globex']);
  expect(found('ACME.example')).toEqual(['acme']);
  expect(found('503')).toEqual(['acme']);
  expect(found('failing')).toEqual(['acme']);
  expect(found('bearer')).toEqual(['acme', 'globex']);
  expect(found('nothing')).toEqual([]);
});

test('texts of ages, times and rates', () => {
  expect([0, 1, 1234].map(ageText)).toEqual(['today', '1 day', '1,234 days']);
  expect(timeText('2026-01-15T12:00:00.123Z', ' at ')).toBe(' at 2026-01-15T12:00:00Z');
  expect(timeText(null, ' at ')).toBe('');
  expect(attemptsText(0.9949, 1234)).toBe('99.5 % of 1,234 attempts');
  expect(attemptsText(null, 0)).toBe('no attempts');
  expect(attemptsText(null, null)).toBe('-');
});
