import { canonicalEnterpriseId } from '../../lambdas/contract/event.ts';
import { readDeployed } from '../appconfig/deployed-document.ts';
import { type IntegrationsDocument, isFields } from '../integration/integrations-document.ts';
import { awsFailure, whereOf } from '../shared/aws-failure.ts';
import { CommandFailed } from '../shared/command-failed.ts';
import type { Stage } from '../shared/stage.ts';

/** Enterprises that the deployed integrations name; or why nobody can say, in words. */
export type KnownEnterprises = { readonly ids: readonly string[] } | { readonly unknown: string };

/** The flag is there without the integrations too: where those cannot be read, that is told and harms nothing. */
export async function findKnownEnterprises(stage: Stage): Promise<KnownEnterprises> {
  try {
    const { document } = await readDeployed(stage);
    return { ids: enterprisesOf(document) };
  } catch (thrown) {
    const reason = thrown instanceof CommandFailed ? thrown.message : awsFailure(thrown, whereOf(stage.name));
    if (reason === undefined) throw thrown;
    return { unknown: reason };
  }
}

/** Each once, in canonical form and in order. Those of faulty entries too. */
export function enterprisesOf({ entries }: IntegrationsDocument): string[] {
  const ids = entries.map((entry) => (isFields(entry) ? entry.enterprise_customer_uuid : undefined));
  return [...new Set(ids.filter((id) => typeof id === 'string').map(canonicalEnterpriseId))].sort();
}
