import type { Integration } from '../../lambdas/partners/integration.ts';
import type { DeployedDocument } from '../appconfig/deployed-document.ts';
import { type IntegrationsDocument, readEntry } from '../integration/integrations-document.ts';
import { awsFailure, CommandFailed, whereOf } from '../shared/failures.ts';
import { OutputMissing, type Stage } from '../shared/stage.ts';
import { type Finding, no, unknown } from './finding.ts';

/** What checks read. */
export interface CheckInput {
  readonly stage: Stage;
  /** Read once for all checks that need it. */
  readonly integrations: Promise<DeployedDocument<IntegrationsDocument>>;
  /** The wall clock, in milliseconds. */
  readonly nowMs: number;
}

/** One check. It reads what it needs of the stage, changes nothing, and judges it by a pure function. */
export interface Check {
  readonly what: string;
  run(input: CheckInput): Promise<readonly Finding[]>;
  /** How to repair what cannot be used; by default, to deploy. */
  remedy?(stage: Stage): string;
}

/** The findings of a check. An expected failure is a finding too, so that it stops no other check. */
export function findingsOf({ what, run, remedy = howToDeploy }: Check, input: CheckInput): Promise<readonly Finding[]> {
  const { stage } = input;
  return run(input).catch((thrown: unknown) => [failed(what, thrown, stage, remedy(stage))]);
}

/** The same for one of several findings of a check. */
export function findingOf(what: string, stage: Stage, remedy: string, judge: () => Promise<Finding>): Promise<Finding> {
  return judge().catch((thrown: unknown) => failed(what, thrown, stage, remedy));
}

/**
 * The finding for an expected failure: `no` where something cannot be used, `?` where it could not be read.
 *
 * @throws an unexpected error
 */
function failed(what: string, thrown: unknown, stage: Stage, remedy: string): Finding {
  if (thrown instanceof NotRead) return unknown(what, thrown.message);
  if (thrown instanceof OutputMissing) return unknown(what, thrown.message, howToDeploy(stage));
  if (thrown instanceof CommandFailed) return no(what, thrown.message, remedy);
  const failure = awsFailure(thrown, whereOf(stage.name));
  if (failure === undefined) throw thrown;
  return unknown(what, failure);
}

/** Something could not be read, and another check reports why. */
class NotRead extends CommandFailed {}

/**
 * Integrations whose entry fits and that are active; a paused one is among them, since it will be resumed.
 *
 * @throws NotRead where the document cannot be read
 */
export async function activeIntegrations({ integrations }: Pick<CheckInput, 'integrations'>): Promise<Integration[]> {
  const deployed = await integrations.catch(() => undefined);
  if (deployed === undefined) throw new NotRead('the integrations could not be read: see above');
  return fittingIntegrations(deployed.document).filter(({ active }) => active);
}

/** Those whose entry fits. */
export function fittingIntegrations({ entries }: IntegrationsDocument): Integration[] {
  return entries.map(readEntry).flatMap((read) => ('integration' in read ? read.integration : []));
}

/** Not a deploy command: without the principals of the last deploy it would remove their permission. */
export function howToDeploy({ name }: Stage): string {
  if (name === 'local') return noted('npm start', 'after you stop the running platform');
  return noted(`npx cdk diff -c stage=${name}`, 'then deploy it: docs/how-to/update-and-roll-back.md');
}

/** A command to paste, with a note that the shell ignores. */
export function noted(command: string, note: string): string {
  return `${command}   # ${note}`;
}

/** The option of a `./ltw` command for this stage. */
export function stageFlag({ name }: Stage): string {
  return `--stage ${name}`;
}

/** Calls in parallel, so that neither AWS nor partners receive thousands of requests at once. */
const BATCH_SIZE = 20;

/** Processes items in batches; the results are in the same order. @throws the first error */
export async function inBatches<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += BATCH_SIZE) {
    results.push(...(await Promise.all(items.slice(from, from + BATCH_SIZE).map(work))));
  }
  return results;
}
