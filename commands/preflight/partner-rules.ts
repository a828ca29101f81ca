import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { sendTestEnvironment } from '../../lambdas/contract/environment.ts';
import { CommandFailed } from '../shared/command-failed.ts';
import type { Stage } from '../shared/stage.ts';

/** Which way to partners a stage permits. */
export interface PartnerRules {
  readonly allowPlainHttp: boolean;
  /** Networks that may be reached although they are not public, in CIDR notation. */
  readonly allowedCidrs: readonly string[];
  readonly allowedPorts: readonly number[] | 'any';
}

const settings = sendTestEnvironment.pick({ ALLOW_PLAIN_HTTP: true, ALLOWED_CIDRS: true, ALLOWED_PORTS: true });

/** As the stage's own sender has them: from the function that sends its tests. @throws CommandFailed */
export async function readPartnerRules(stage: Stage): Promise<PartnerRules> {
  const { Environment } = await stage.lambda.send(
    new GetFunctionConfigurationCommand({ FunctionName: stage.output('SendTestFunctionName') }),
  );
  const read = settings.safeParse(Environment?.Variables);
  if (!read.success) throw new CommandFailed('the function SendTest has settings that this version does not know');
  const { ALLOW_PLAIN_HTTP, ALLOWED_CIDRS, ALLOWED_PORTS } = read.data;
  return { allowPlainHttp: ALLOW_PLAIN_HTTP, allowedCidrs: ALLOWED_CIDRS, allowedPorts: ALLOWED_PORTS };
}
