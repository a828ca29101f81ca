import type { DeploymentState } from '@aws-sdk/client-appconfig';
import { configVersion } from '../../lambdas/flag/evaluate-flag.ts';
import type { Flag } from '../../lambdas/flag/flag-document.ts';
import { readDeployed } from '../appconfig/deployed-document.ts';
import { getDeployment, isOccupying, listDeployments } from '../appconfig/deployments.ts';
import { monitorsOf } from '../appconfig/without-monitors.ts';
import type { Stage } from '../shared/stage.ts';
import { type Part, partOf } from '../status/read-status.ts';
import { FLAG } from './flag-document.ts';
import { leftMs } from './follow-deployment.ts';
import { findKnownEnterprises, type KnownEnterprises } from './format-flag.ts';

/** The flag that functions have, or receive within seconds. */
export interface DeployedFlag {
  readonly flag: Flag;
  /** Of AppConfig's versions. */
  readonly version: number;
  readonly deployment: number;
  /** As functions name it in logs and in the ledger. */
  readonly config_version: string;
}

/** The newest deployment, which functions may not have: it may be rolled back. */
export interface NewestDeployment {
  readonly number: number;
  /** Of AppConfig's versions. */
  readonly version: string;
  readonly state: DeploymentState | undefined;
  readonly description: string | undefined;
  /** Until it ends, in milliseconds; negative where it is overdue. Undefined if it has ended. */
  readonly left_ms: number | undefined;
  /** Bake time, in minutes. */
  readonly bake_minutes: number;
  /** What happened to it last, in AppConfig's words. */
  readonly last_event: string | undefined;
}

/** What `./ltw flag status` shows. Each part is read by itself. */
export interface FlagReading {
  /** Null if nothing was ever deployed. */
  readonly newest: Part<NewestDeployment | null>;
  /** An error too if the document does not fit, with what to do about it. */
  readonly deployed: Part<DeployedFlag>;
  /** Names of the alarms that roll back a deployment while it bakes. */
  readonly monitors: Part<readonly string[]>;
  readonly known: KnownEnterprises;
}

/** @param nowMs epoch milliseconds */
export async function readFlag(stage: Stage, nowMs: number): Promise<FlagReading> {
  const [newest, deployed, monitors, known] = await Promise.all([
    partOf(stage, () => readNewest(stage, nowMs)),
    partOf(stage, () => readDeployedFlag(stage)),
    partOf(stage, async () => (await monitorsOf(stage, FLAG)).map(({ AlarmArn = '' }) => alarmName(AlarmArn))),
    findKnownEnterprises(stage),
  ]);
  return { newest, deployed, monitors, known };
}

async function readDeployedFlag(stage: Stage): Promise<DeployedFlag> {
  const { document, version, label, deployment } = await readDeployed(FLAG, stage);
  return { flag: document.flag, version, deployment, config_version: configVersion(document.flag, label) };
}

async function readNewest(stage: Stage, nowMs: number): Promise<NewestDeployment | null> {
  const [newest] = await listDeployments(stage, FLAG);
  const { DeploymentNumber: number, ConfigurationVersion: version = '', State: state } = newest ?? {};
  if (newest === undefined || number === undefined) return null;
  const { EventLog: events = [], Description: description } = await getDeployment(stage, FLAG, number);
  return {
    ...{ number, version, state, description },
    left_ms: isOccupying(newest) ? leftMs(newest, nowMs) : undefined,
    bake_minutes: newest.FinalBakeTimeInMinutes ?? 0,
    last_event: events[0]?.Description,
  };
}

/** `arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME` */
function alarmName(arn: string): string {
  return arn.split(':').slice(6).join(':');
}
