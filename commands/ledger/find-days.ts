import type { LedgerDay, LedgerTable, Span } from '../../lambdas/contract/ledger-ports.ts';
import { spanWords } from '../shared/time-span.ts';

export interface FoundDays {
  /** Of the integration that was asked for, or of all; oldest first. */
  readonly days: readonly LedgerDay[];
  /** Every integration of which something was accepted in that time. */
  readonly integrationIds: readonly string[];
}

/** Which days of which integrations have to be looked at. @throws LedgerUnavailable */
export async function findDays(
  table: Pick<LedgerTable, 'days'>,
  span: Span,
  integrationId: string | undefined,
): Promise<FoundDays> {
  const all = await table.days(span);
  return {
    days: all.filter((day) => integrationId === undefined || day.integrationId === integrationId),
    integrationIds: [...new Set(all.map((day) => day.integrationId))].sort(),
  };
}

/** Why there is nothing to show: a misspelt id is seen at once. */
export function noneWords(
  what: string,
  stageName: string,
  span: Span,
  { days, integrationIds }: FoundDays,
  integrationId: string | undefined,
): string {
  const whose = integrationId === undefined ? '' : ` of integration ${integrationId}`;
  const none = `none: no ${what}${whose} of stage ${stageName} was accepted ${spanWords(span)}`;
  if (days.length > 0 || integrationId === undefined) return none;
  const others = integrationIds.length === 0 ? 'nothing at all' : `webhooks of ${integrationIds.join(', ')}`;
  return `${none}\nthe ledger has ${others} from that time`;
}
