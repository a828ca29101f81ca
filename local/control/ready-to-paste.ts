import { STATUS_PATHS } from '../../lambdas/status/feature-status-document.ts';
import { metricsTokenSchema, OPERATIONS_PATHS } from '../../lambdas/status/health-document.ts';
import { output } from '../demo/operator.ts';
import { completion, ENTERPRISE, LEARNER, lead } from '../demo/sample-events.ts';
import type { Platform } from '../platform.ts';
import { REGION } from '../resolver.ts';
import { LOCAL_CREDENTIALS } from '../sqs/queues.ts';

const { accessKeyId, secretAccessKey } = LOCAL_CREDENTIALS;

/** Environment variables for one AWS CLI command. */
const VARIABLES = `AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secretAccessKey} AWS_DEFAULT_REGION=${REGION}`;

/** Expanded by the shell: the quotes end before it and start again after it. */
const ID_IN_SHELL = "try-'$(date +%s)-$RANDOM'";
const TIME_IN_SHELL = "'$(date -u +%Y-%m-%dT%H:%M:%SZ)'";

/** Delay of the calculated lead. */
const LEAD_MINUTES = 2;

/**
 * Commands for a terminal (bash or zsh) that use a running platform. Without comments, since an interactive zsh executes
 * them. Each paste publishes a new event: the shell generates the id.
 */
export function readyToPaste(platform: Platform): string {
  const endpoint = String(platform.endpoints.AWS_ENDPOINT_URL_SQS);
  const queueUrl = output(platform, 'EventsQueueUrl');
  return `Publish a completion, with the AWS CLI (each paste is a new event):

${sendWithCli(endpoint, queueUrl, sampleEvent(ID_IN_SHELL, TIME_IN_SHELL))}

with boto3 (pip install boto3):

${sendWithBoto3(endpoint, queueUrl)}

Publish a lead that n8n gets ${LEAD_MINUTES} minutes later (pasted again meanwhile, the later one supersedes it):

${sendWithCli(endpoint, queueUrl, sampleLead(ID_IN_SHELL, TIME_IN_SHELL))}

From another terminal, in this directory:

npm run local -- flag on
npm run local -- warehouse down
npm run local -- warehouse up
npm run local -- partner skillsoft 503
npm run local -- partner skillsoft up
npm run local -- status

Whether the feature is on, for whom and why, as a browser requests it, with a token of this platform's issuer (401 without one):

${requestAsBrowser(platform, `${STATUS_PATHS.browsers}?enterprise_customer_uuid=${ENTERPRISE}`)}

and as operators request it, with a signature (403 without one):

${requestSigned(`${output(platform, 'StatusApiUrl')}${STATUS_PATHS.operators}?enterprise_customer_uuid=${ENTERPRISE}`)}

The health of all deliveries and of each integration (403 without a signature), and the same as Prometheus reads it, with its token (401 without it):

${requestSigned(`${output(platform, 'StatusApiUrl')}${OPERATIONS_PATHS.health}`)}

${scrapeMetrics(platform)}

The state of every webhook, and whether each one is accounted for:

./ltw ledger count
./ltw ledger last --integration skillsoft
./ltw reconcile

Dead-letter messages of events, which stay in the queue (no output if there are none):

${receiveWithCli(endpoint, output(platform, 'EventsDeadLetterQueueUrl'))}

and of deliveries:

${receiveWithCli(endpoint, output(platform, 'DeliveriesDeadLetterQueueUrl'))}`;
}

/** A completion of a learner with learning time, with placeholders for `id` and `time`. */
function sampleEvent(id: string, time: string) {
  const { payload, ...event } = completion(id, 'skillsoft', LEARNER.known);
  const { completion: result, ...rest } = payload;
  const user = { id: LEARNER.known };
  return {
    ...event,
    occurred_at: time,
    payload: { ...rest, user, completion: { ...result, completion_date: time } },
  };
}

/** A scheduled lead, always of the same user. */
function sampleLead(id: string, time: string) {
  return lead(id, 'n8n', LEARNER.known, 'calculated', time, { delay_minutes: LEAD_MINUTES });
}

function sendWithCli(endpoint: string, queueUrl: string, event: object): string {
  return `${VARIABLES} aws sqs send-message \\
  --endpoint-url ${endpoint} \\
  --queue-url ${queueUrl} \\
  --message-group-id ${ENTERPRISE} \\
  --message-body '${JSON.stringify(event)}'`;
}

function receiveWithCli(endpoint: string, queueUrl: string): string {
  return `${VARIABLES} aws sqs receive-message \\
  --endpoint-url ${endpoint} \\
  --queue-url ${queueUrl} \\
  --max-number-of-messages 10 --visibility-timeout 0 --message-attribute-names All`;
}

/** A signed request; a deployed stage verifies the signature. */
function requestSigned(url: string): string {
  return `curl --aws-sigv4 aws:amz:${REGION}:execute-api --user ${accessKeyId}:${secretAccessKey} \\
  '${url}'`;
}

/** A token is valid for ten minutes, so each paste requests one. */
function requestAsBrowser(platform: Platform, path: string): string {
  return `curl --oauth2-bearer "$(curl -s '${tokenUrl(platform)}?enterprise_customer_uuid=${ENTERPRISE}')" \\
  '${output(platform, 'StatusApiUrl')}${path}'`;
}

/** URL for a token with the query's parameters as claims. @throws Error if the stage has another issuer than the platform's */
export function tokenUrl({ issuerUrl }: Platform): string {
  if (issuerUrl === undefined) throw new Error('the stage "local" does not name the issuer of the local platform');
  return `${issuerUrl}/token`;
}

/** With the metrics token of this platform, which changes with each start. */
function scrapeMetrics(platform: Platform): string {
  const secret = platform.controlPlane.secretsManager.current(output(platform, 'MetricsTokenSecretName'));
  const { token } = metricsTokenSchema.parse(JSON.parse(secret ?? '{}'));
  return `curl --oauth2-bearer ${token} \\
  '${output(platform, 'StatusApiUrl')}${OPERATIONS_PATHS.metrics}'`;
}

function sendWithBoto3(endpoint: string, queueUrl: string): string {
  const event = JSON.stringify(sampleEvent('EVENT_ID', 'NOW'), undefined, 2);
  return `python3 - <<'EOF'
import datetime, uuid
import boto3

event = """${event}"""
event = event.replace("EVENT_ID", f"try-{uuid.uuid4()}")
event = event.replace("NOW", datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))
sqs = boto3.client("sqs", endpoint_url="${endpoint}", region_name="${REGION}",
                   aws_access_key_id="${accessKeyId}", aws_secret_access_key="${secretAccessKey}")
response = sqs.send_message(
    QueueUrl="${queueUrl}",
    MessageGroupId="${ENTERPRISE}",
    MessageBody=event)
print(response["MessageId"])
EOF`;
}
