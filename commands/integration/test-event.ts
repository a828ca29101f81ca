import * as z from 'zod';
import type { SendTestReport } from '../../lambdas/delivery/send-test-contract.ts';
import type { CertificatePair } from '../../lambdas/partners/client-certificate.ts';
import { CLIENT_AUTHENTICATIONS, TOKEN_REQUESTS } from '../../lambdas/partners/integration.ts';
import { OAUTH_ERRORS } from '../../lambdas/partners/oauth-errors.ts';
import type { Context } from '../shared/context.ts';
import { alignColumns } from '../shared/format.ts';
import { invokeFunction } from '../shared/invoke-function.ts';
import type { Stage } from '../shared/stage.ts';
import { readDeployedIntegrations } from './deployed-integrations.ts';
import { explain } from './explain-response.ts';
import { idsOf } from './integrations-document.ts';

const milliseconds = z.number().min(0);

/** As the function returns it; a field that a newer one adds is ignored. */
const reportSchema = z.object({
  integration_id: z.string(),
  webhook_id: z.string(),
  webhook_timestamp: z.string(),
  webhook_signature: z.string(),
  body: z.string(),
  verdict: z.enum(['delivered', 'retry', 'gone', 'dead', 'unsent']),
  reason: z.string(),
  status: z.int().exactOptional(),
  code: z.string().exactOptional(),
  token_error: z.enum(OAUTH_ERRORS).exactOptional(),
  token_setting: z
    .object({
      name: z.enum(['token_request', 'client_authentication']),
      value: z.enum([...TOKEN_REQUESTS, ...CLIENT_AUTHENTICATIONS]),
    })
    .exactOptional(),
  response_fault: z.string().exactOptional(),
  client_certificate: z
    .object({ pair: z.enum(['current', 'next']), expires_at: z.string(), fault: z.string().exactOptional() })
    .exactOptional(),
  timings: z
    .object({
      dnsMs: milliseconds.exactOptional(),
      connectMs: milliseconds.exactOptional(),
      tlsMs: milliseconds.exactOptional(),
      firstByteMs: milliseconds.exactOptional(),
      totalMs: milliseconds,
    })
    .exactOptional(),
  response_start: z.string().exactOptional(),
}) satisfies z.ZodType<SendTestReport>;

/** What `sendTestEvent` may do otherwise. */
interface TestEventOptions {
  readonly asJson?: boolean;
  /** The client certificate to present; `current` by default. */
  readonly pair?: CertificatePair;
}

/** Sends one test event from the stage's own addresses, and prints the result. @returns whether it was delivered */
export async function sendTestEvent(
  stage: Stage,
  id: string,
  { terminal }: Context,
  { asJson = false, pair = 'current' }: TestEventOptions = {},
): Promise<boolean> {
  const report = await invokeFunction(stage, {
    output: 'SendTestFunctionName',
    name: 'SendTest',
    // Only where it is asked for: an older function does not know it.
    input: { integration_id: id, ...(pair === 'next' && { client_certificate: pair }) },
    schema: reportSchema,
  });
  if (asJson) {
    terminal.print(JSON.stringify({ stage: stage.name, ...report, explanation: explain(report) }));
    return report.verdict === 'delivered';
  }
  terminal.print(formatTestReport(report, stage.name));
  if (report.verdict === 'unsent') {
    // In addition only: who may invoke the function may not be allowed to read AppConfig.
    const ids = await readDeployedIntegrations(stage).then(
      ({ document }) => idsOf(document),
      () => undefined,
    );
    if (ids !== undefined && !ids.includes(id)) terminal.print(`Existing integrations: ${ids.join(', ') || 'none'}.`);
  }
  return report.verdict === 'delivered';
}

const VERDICTS = {
  delivered: 'Delivered',
  retry: 'Not delivered, and would be retried',
  gone: 'Not delivered: the endpoint is gone',
  dead: 'Not delivered, and would be dead-lettered',
  unsent: 'Not sent',
} as const;

/** A report as text; below it is what the partner can compare. */
export function formatTestReport(report: SendTestReport, stageName: string): string {
  const { integration_id, verdict, reason, timings } = report;
  const heading = `${VERDICTS[verdict]}: ${reason} (test event for ${integration_id}, from stage ${stageName})`;
  const parts = [heading, ...certificateLine(report), ...explain(report)];
  if (timings !== undefined) parts.push('', timeRows(timings));
  // Without a token, there is a body and no signature of it.
  if (report.webhook_signature !== '') parts.push('', whatWasSent(report));
  if (report.response_start !== undefined && report.response_start !== '') {
    parts.push('', `The response begins: ${report.response_start.replaceAll(/\p{Cc}/gu, '?')}`);
  }
  return parts.join('\n');
}

function certificateLine({ client_certificate: certificate }: SendTestReport): string[] {
  if (certificate === undefined) return [];
  const { pair, expires_at, fault } = certificate;
  if (fault !== undefined) return [`The secret has ${fault}.`];
  return [`Client certificate: the ${pair} one, until ${expires_at.slice(0, 10)}.`];
}

function timeRows(timings: NonNullable<SendTestReport['timings']>): string {
  const { dnsMs, connectMs, tlsMs, firstByteMs, totalMs } = timings;
  const rows = [
    ['DNS', dnsMs],
    ['connect', connectMs],
    ['TLS', tlsMs],
    ['first byte', firstByteMs],
    ['total', totalMs],
  ] as const;
  return alignColumns(rows.map(([what, ms]) => [what, ms === undefined ? '-' : `${Math.round(ms)} ms`]));
}

function whatWasSent({ webhook_id, webhook_timestamp, webhook_signature, body }: SendTestReport): string {
  return `For the partner to compare: the signature is over webhook-id.webhook-timestamp.body, these exact bytes.
${alignColumns([
  ['webhook-id', webhook_id],
  ['webhook-timestamp', webhook_timestamp],
  ['webhook-signature', webhook_signature],
  ['body', body],
])}`;
}

export interface SendTestOptions {
  readonly integration: string;
  readonly stage: string;
  readonly json?: true | undefined;
  /** Presents the next client certificate. */
  readonly next?: true | undefined;
}

/** `send-test`: 0 where the event was delivered, else 1. @throws CommandFailed */
export async function sendTest({ integration, stage, json, next }: SendTestOptions, context: Context): Promise<number> {
  const options = { asJson: json === true, pair: next ? 'next' : 'current' } as const;
  return (await sendTestEvent(await context.openStage(stage), integration, context, options)) ? 0 : 1;
}
