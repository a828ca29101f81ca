import { Fn, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Alarms } from './alarms.ts';
import { DEFAULT_ZONES } from './availability-zones.ts';
import { Cache } from './cache.ts';
import { CertificateExpiry } from './certificate-expiry.ts';
import { Configuration } from './configuration.ts';
import { CredentialAge } from './credential-age.ts';
import { Dashboard } from './dashboard.ts';
import { Delivery } from './delivery.ts';
import { Enrichment } from './enrichment.ts';
import { EventQueues } from './event-queues.ts';
import { codeBase } from './function-code.ts';
import { HarmAlarms } from './harm-alarms.ts';
import { Ledger } from './ledger.ts';
import { Network } from './network.ts';
import { OperationalEvents } from './operational-events.ts';
import { Outcomes } from './outcomes.ts';
import { Reconciler } from './reconciler.ts';
import { Rescue } from './rescue.ts';
import { RetryWorkflow } from './retry-workflow.ts';
import { SavedQueries } from './saved-queries.ts';
import { Secrets } from './secrets.ts';
import type { Stage } from './stage-schema.ts';
import { StatusApi } from './status-api.ts';
import { Warehouse } from './warehouse.ts';
import { WarmCache } from './warm-cache.ts';
import { WebhookHealth } from './webhook-health.ts';

/** All constructs of a stage, in the order in which an event passes them. */
export class LearningTimeStack extends Stack {
  private readonly stage: Stage;

  constructor(scope: Construct, id: string, stage: Stage, props: StackProps = {}) {
    super(scope, id, {
      ...props,
      ...(stage.env !== undefined && { env: stage.env }),
      terminationProtection: stage.retain,
    });
    this.stage = stage;

    const network = new Network(this, 'Network', stage);
    const queues = new EventQueues(this, 'Queues', stage);
    const harm = new HarmAlarms(this, 'HarmAlarms', { stage, queues });
    const configuration = new Configuration(this, 'Configuration', { stage, alarms: harm });
    const secrets = new Secrets(this, 'Secrets', stage);
    const cache = new Cache(this, 'Cache', { stage, network });
    configuration.seedAfter(cache);
    const ledger = new Ledger(this, 'Ledger', stage);
    const events = new OperationalEvents(this, 'OperationalEvents', stage);

    const warehouse = new Warehouse(stage, secrets);
    const warming = new WarmCache(this, 'WarmCache', {
      codeBase: codeBase(stage, network, 'warming', ['WarmCache']),
      configuration,
      cache,
      warehouse,
    });
    const enrichment = new Enrichment(this, 'Enrichment', {
      codeBase: codeBase(stage, network, 'enrichment', ['EnrichBatch', 'EnrichTask', 'CheckWarehouse']),
      configuration,
      cache,
      ledger,
      warehouse,
    });
    const delivery = new Delivery(this, 'Delivery', {
      codeBase: codeBase(stage, network, 'delivery', ['DeliverBatch', 'DeliverTask', 'SendTest']),
      configuration,
      secrets,
      cache,
      ledger,
      events,
    });
    const workflow = new RetryWorkflow(this, 'RetryWorkflow', {
      stage,
      enrichTask: enrichment.task,
      deliverTask: delivery.task,
      deadLetters: queues.deliveries.deadLetters,
    });
    enrichment.connect(queues, workflow);
    delivery.connect(queues, workflow);
    const operations = {
      codeBase: codeBase(stage, network, 'operations', [
        'RescueExecution',
        'SweepExecutions',
        'Reconcile',
        'SettleOutcomes',
        'CredentialAge',
        'CertificateExpiry',
      ]),
    };
    const deadLetters = queues.deliveries.deadLetters;
    const rescue = new Rescue(this, 'Rescue', { ...operations, workflow, ledger, events, deadLetters });
    const reconciler = new Reconciler(this, 'Reconciler', { ...operations, ledger, configuration, events, queues });

    const outcomes = new Outcomes(this, 'Outcomes', { ...operations, ledger, events, queues });
    const credential = new CredentialAge(this, 'CredentialAge', { ...operations, secrets });
    const certificates = new CertificateExpiry(this, 'CertificateExpiry', {
      ...operations,
      configuration,
      secrets,
      ledger,
      events,
    });

    const status = { codeBase: codeBase(stage, network, 'status', ['FeatureStatus', 'WebhookHealth']) };
    const statusApi = new StatusApi(this, 'StatusApi', { ...status, configuration });
    const { webhookHealth } = new WebhookHealth(this, 'WebhookHealth', {
      ...status,
      api: statusApi.api,
      configuration,
      ledger,
      queues,
      secrets,
    });

    new Alarms(this, 'Alarms', {
      stage,
      harm,
      queues,
      workflow,
      network,
      readers: [enrichment.batch, delivery.batch],
      deliverTask: delivery.task,
      warmCache: warming.warm,
      others: [
        enrichment.task,
        delivery.task,
        ...rescue.functions,
        reconciler.reconcile,
        outcomes.settle,
        credential.age,
        certificates.expiry,
        statusApi.featureStatus,
        webhookHealth,
      ],
      undelivered: [
        rescue.undelivered,
        reconciler.undelivered,
        credential.undelivered,
        events.undelivered,
        certificates.undelivered,
        warming.undelivered,
      ],
    });

    const functions = {
      EnrichBatch: enrichment.batch,
      DeliverBatch: delivery.batch,
      EnrichTask: enrichment.task,
      WarmCache: warming.warm,
      DeliverTask: delivery.task,
      Reconcile: reconciler.reconcile,
      SettleOutcomes: outcomes.settle,
    };
    new Dashboard(this, 'Dashboard', { stage, queues, workflow, functions });
    new SavedQueries(this, 'SavedQueries', {
      stage,
      functions: {
        all: [...Object.values(functions), ...rescue.functions],
        enrichment: [enrichment.batch, enrichment.task],
        delivery: [delivery.batch, delivery.task],
      },
    });
  }

  /** The stage's zones, or the first of the region at deploy time: a lookup at synthesis would need an account. */
  override get availabilityZones(): string[] {
    const { availabilityZones } = this.stage.network;
    if (availabilityZones !== undefined) return [...availabilityZones];
    return Array.from({ length: DEFAULT_ZONES }, (_, zone) => Fn.select(zone, Fn.getAzs()));
  }
}
