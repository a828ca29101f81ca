import { FLAG_KEY } from '../../lambdas/flag/flag-document.ts';
import {
  COUNTED_STATES,
  type ReconcileInput,
  type ReconcileReport,
  reconcileReportSchema,
} from '../../lambdas/ledger/reconciliation.ts';
import { FLAG_SEED } from '../../lib/flag-seed.ts';
import type { Platform } from '../platform.ts';

/**
 * Actions of an operator: deployments of new versions in AppConfig, and the ledger's balance.
 */

/** A resolved output of the template. @throws Error if it has none of that name */
export function output(platform: Platform, name: string): string {
  const value = platform.outputs[name];
  if (value === undefined) throw new Error(`the template has no output ${name}`);
  return value;
}

/** @throws DeploymentRefused if the template's validator rejects it */
export function deployIntegrations(platform: Platform, integrations: readonly object[]): void {
  platform.appConfig.deploy(
    output(platform, 'AppConfigApplicationId'),
    output(platform, 'IntegrationsEnvironmentId'),
    output(platform, 'IntegrationsProfileId'),
    JSON.stringify({ integrations }),
  );
}

/**
 * Deploys the template's seed with the flag on for all enterprises, or off.
 *
 * @param pilots enterprises that WarmCache loads; the demo's integrations name none
 */
export function switchFlag(platform: Platform, isOn: boolean, pilots: readonly string[] = []): void {
  // AppConfig refuses an empty list.
  const attributes = { rollout_percentage: 100, ...(pilots.length > 0 && { pilot_enterprises: pilots }) };
  const values = { ...FLAG_SEED.values[FLAG_KEY], enabled: isOn, ...attributes };
  platform.appConfig.deploy(
    output(platform, 'AppConfigApplicationId'),
    output(platform, 'FlagsEnvironmentId'),
    output(platform, 'FlagsProfileId'),
    JSON.stringify({ ...FLAG_SEED, values: { [FLAG_KEY]: values } }),
  );
}

/** Invokes the reconciler, as `./ltw reconcile` does. @throws Error if it fails */
export async function reconcile(platform: Platform, input: ReconcileInput = {}): Promise<ReconcileReport> {
  const result = await platform.functions.find('reconcile').invoke(input);
  if (result.status === 'succeeded') return reconcileReportSchema.parse(result.payload);
  throw new Error(`Reconcile: ${result.status === 'failed' ? JSON.stringify(result.error) : result.status}`);
}

/** `accepted 3 = delivered 2 + dead 1`, without states that do not occur. */
export function equation({ accepted, states, in_flight, unbalanced }: ReconcileReport): string {
  const counts: (readonly [string, number])[] = [
    ...COUNTED_STATES.map((state) => [state, states[state]] as const),
    ['in flight', in_flight],
    ['stuck', unbalanced],
  ];
  const terms = counts.filter(([, count]) => count > 0).map(([name, count]) => `${name} ${count}`);
  return `accepted ${accepted} = ${terms.join(' + ') || 0}`;
}
