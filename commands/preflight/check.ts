import type { Integration } from '../../lambdas/partners/integration.ts';
import type { DeployedDocument } from '../appconfig/deployed-document.ts';
import { type IntegrationsDocument, readEntry } from '../integration/integrations-document.ts';
import { awsFailure, CommandFailed, whereOf } from '../shared/failures.ts';
import { OutputMissing, type Stage } from '../shared/stage.ts';
import { type Finding, no, unknown } from './finding.ts';

/** What checks look at. */
export interface Looked {
  readonly stage: Stage;
  /** Read once for all checks that need it. */
  readonly integrations: Promise<DeployedDocument>;
  /** The wall clock, in milliseconds. */
  readonly nowMs: number;
}

/** One question. It reads what it needs of the stage, changes nothing, and hands it to a rule. */
export interface Check {
  readonly what: string;
  look(looked: Looked): Promise<readonly Finding[]>;
  /** What to do where what is there cannot be used, beside what its failure says. */
  remedy(stage: Stage): string;
}

/** What a check finds; where it is refused something, that is its answer, and keeps no other check from its own. */
export function findingsOf({ what, look, remedy }: Check, looked: Looked): Promise<readonly Finding[]> {
  const { stage } = looked;
  return look(looked).catch((thrown: unknown) => [failed(what, thrown, stage, remedy(stage))]);
}

/** The same for one of several questions of a check. */
export function findingOf(what: string, stage: Stage, remedy: string, look: () => Promise<Finding>): Promise<Finding> {
  return look().catch((thrown: unknown) => failed(what, thrown, stage, remedy));
}

/**
 * The finding for what a look threw: `no` where what is there cannot be used, `?` where it was not seen.
 *
 * @throws what nobody expected
 */
function failed(what: string, thrown: unknown, stage: Stage, remedy: string): Finding {
  if (thrown instanceof NotSeen) return unknown(what, thrown.message);
  if (thrown instanceof OutputMissing) return unknown(what, thrown.message, howToDeploy(stage));
  if (thrown instanceof CommandFailed) return no(what, thrown.message, remedy);
  const failure = awsFailure(thrown, whereOf(stage.name));
  if (failure === undefined) throw thrown;
  return unknown(what, failure);
}

/** Another check reports already why something could not be read. */
class NotSeen extends CommandFailed {}

/**
 * Integrations whose entry fits and that are not switched off; a paused one takes webhooks again one day.
 *
 * @throws NotSeen where the document cannot be read
 */
export async function activeIntegrations({ integrations }: Pick<Looked, 'integrations'>): Promise<Integration[]> {
  const deployed = await integrations.catch(() => undefined);
  if (deployed === undefined) throw new NotSeen('the integrations could not be read: see above');
  return fittingIntegrations(deployed.document).filter(({ active }) => active);
}

/** Those whose entry fits. */
export function fittingIntegrations({ entries }: IntegrationsDocument): Integration[] {
  return entries.map(readEntry).flatMap((read) => ('integration' in read ? read.integration : []));
}

/** No deploy to paste: one without the principals of the last one would take their permission away. */
export function howToDeploy({ name }: Stage): string {
  if (name === 'local') return noted('npm start', 'once the platform that runs is ended');
  return noted(`npx cdk diff -c stage=${name}`, 'then deploy it: docs/how-to/update-and-roll-back.md');
}

/** A command to paste, and what a person should know beside it, as a shell reads past it. */
export function noted(command: string, note: string): string {
  return `${command}   # ${note}`;
}

/** Of a command of ours: which stage it is for. */
export function stageFlag({ name }: Stage): string {
  return `--stage ${name}`;
}

/** Checks in parallel, so that neither AWS nor partners receive thousands of requests at once. */
const AT_A_TIME = 20;

/** Does something with each, a few at a time; the results are in the same order. @throws what the first to fail threw */
export async function sideBySide<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += AT_A_TIME) {
    results.push(...(await Promise.all(items.slice(from, from + AT_A_TIME).map(work))));
  }
  return results;
}
