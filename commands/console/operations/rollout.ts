import * as z from 'zod';
import { enterpriseIdSchema } from '../../../lambdas/events/event.ts';
import { bucket } from '../../../lambdas/flag/evaluate-flag.ts';
import { FLAG_BOUNDS } from '../../../lambdas/flag/flag-document.ts';
import { formatTimeLeft } from '../../flag/follow-deployment.ts';
import { warnings } from '../../flag/format-flag.ts';
import { type FlagReading, readFlag } from '../../flag/read-flag.ts';
import { findRevert, readRevertedFlag } from '../../flag/revert.ts';
import { UNMONITORED } from '../../flag/status.ts';
import { type Adoption, NO_ENTERPRISE, readAdoption } from '../../ledger/adoption.ts';
import { findDays } from '../../ledger/find-deliveries.ts';
import { HOURS, PHASES } from '../../rollout/criteria.ts';
import { type CriterionTexts, conclusion, criterionTexts } from '../../rollout/format-check.ts';
import { isMet } from '../../rollout/judge.ts';
import { checkPhase, lastHours } from '../../rollout/rollout.ts';
import { CommandFailed } from '../../shared/failures.ts';
import { openLedger } from '../../shared/open-ledger.ts';
import { readSpan } from '../../shared/time-span.ts';
import { readAlarms } from '../../stage/alarms.ts';
import { type Part, partOf } from '../../status/read-status.ts';
import { operation } from '../operation.ts';

/** An enterprise, and where it is in the rollout. */
export interface PositionedEnterprise {
  /** In canonical form, unless the document of the flag has something else. */
  readonly id: string;
  /** From 0 to 100; 0 is the first. */
  readonly position: number;
}

/** An alarm that rolls back a deployment while it bakes. */
export interface FlagMonitor {
  readonly name: string;
  /** Undefined if CloudWatch does not list it. */
  readonly state: string | undefined;
}

/** The flag with what the page shows of it. */
export interface RolloutReading extends Pick<FlagReading, 'newest' | 'deployed'> {
  /** How long the newest deployment is still in progress: `6 minutes left`. Undefined if it has ended. */
  readonly timeLeft: string | undefined;
  readonly monitors: Part<readonly FlagMonitor[]>;
  /** Enterprises that integrations have. */
  readonly ofIntegrations: Part<readonly PositionedEnterprise[]>;
  /** Empty if the flag cannot be read. */
  readonly pilots: readonly PositionedEnterprise[];
  /** Bounds of the cache time, in seconds. */
  readonly cacheTtlBounds: typeof FLAG_BOUNDS.cacheTtlSeconds;
  /** Settings that are probably unintended. */
  readonly warnings: readonly string[];
}

/** The flag, its newest deployment, and the enterprises of integrations and pilots. */
export const readRollout = operation(z.strictObject({}), async (_input, { stage, now }): Promise<RolloutReading> => {
  const { newest, deployed, monitors, known } = await readFlag(stage, now());
  const flag = 'error' in deployed ? undefined : deployed.flag;
  const leftMs = newest === null || 'error' in newest ? undefined : newest.left_ms;
  const isUnmonitored = !('error' in monitors) && monitors.length === 0;
  return {
    ...{ newest, deployed, cacheTtlBounds: FLAG_BOUNDS.cacheTtlSeconds },
    timeLeft: leftMs === undefined ? undefined : formatTimeLeft(leftMs),
    monitors:
      'error' in monitors
        ? monitors
        : await partOf(stage, async () => {
            const states = new Map((await readAlarms(stage)).map(({ name, state }) => [name, state]));
            return monitors.map((fullName) => {
              const name = fullName.replace(`learning-time-webhooks-${stage.name}-`, '');
              return { name, state: states.get(name) };
            });
          }),
    ofIntegrations: 'unknown' in known ? { error: known.unknown } : known.ids.map(positioned),
    pilots: (flag?.pilot_enterprises ?? []).map(positioned),
    warnings: [...(flag === undefined ? [] : warnings(flag, known)), ...(isUnmonitored ? [UNMONITORED] : [])],
  };
});

/** What `flag revert` would do; a text if there is nothing to do. */
export const readFlagRevert = operation(z.strictObject({}), async (_input, { stage }) => {
  const found = await findRevert(stage);
  if (typeof found === 'string') return found;
  const { number, state, earlier, version } = found;
  const { before, after, isSwitchedOn } = await readRevertedFlag(stage, found);
  return {
    ...{ number, state, earlier, version, isSwitchedOn },
    before: typeof before === 'string' ? { error: before } : before.flag,
    after: after.flag,
  };
});

const phaseSchema = z.strictObject({
  phase: z.enum(PHASES),
  hours: z.number().min(HOURS.least).max(HOURS.most),
});

export interface PhaseReading {
  /** Epoch milliseconds. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly isMet: boolean;
  /** `pilot: not yet (1 × no)` */
  readonly conclusion: string;
  readonly criteria: readonly CriterionTexts[];
}

/** What `rollout check` prints of one phase. */
export const readRolloutPhase = operation(
  phaseSchema,
  async ({ phase, hours }, { stage, now }): Promise<PhaseReading> => {
    const { span, judgements } = await checkPhase(phase, lastHours(hours, now()), stage);
    return {
      ...span,
      isMet: isMet(judgements),
      conclusion: conclusion(phase, judgements),
      criteria: judgements.map(criterionTexts),
    };
  },
);

/** An enterprise's completions that the ledger has. */
export interface EnterpriseAdoption extends PositionedEnterprise, Adoption {}

const adoptionSchema = z.strictObject({ days: z.int().min(1).max(90) });

/** How many deliveries are read between two reports. */
const REPORT_EVERY = 500;

/** What `ledger adoption` prints. It reads every delivery of these days, and can be stopped. */
export const readEnterpriseAdoption = operation<
  z.infer<typeof adoptionSchema>,
  { readonly read: number; readonly since: string; readonly enterprises: readonly EnterpriseAdoption[] },
  { readonly read: number }
>(adoptionSchema, async ({ days }, { stage, context, now, signal, report }) => {
  const table = openLedger(stage, context);
  const span = readSpan({ since: `${days}d` }, now());
  const found = await findDays(table, span, undefined);
  let read = 0;
  const rows = await readAdoption(table, found.days, span, async (count) => {
    read = count;
    signal.throwIfAborted();
    if (count % REPORT_EVERY === 0) await report({ read });
  });
  const ofEnterprises = rows.filter(([id]) => id !== NO_ENTERPRISE);
  return {
    read,
    since: span.from,
    enterprises: ofEnterprises.map(([id, adoption]) => ({ ...positioned(id), ...adoption })),
  };
});

/** Where any enterprise is in the rollout, known or not. */
export const readEnterprise = operation(z.strictObject({ id: z.string().max(1000) }), async ({ id }) => {
  const read = enterpriseIdSchema.safeParse(id);
  if (!read.success) throw new CommandFailed(`the id of an enterprise ${read.error.issues[0]?.message}`);
  return positioned(read.data);
});

function positioned(id: string): PositionedEnterprise {
  return { id, position: bucket(id) };
}
