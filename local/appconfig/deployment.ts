import { AwsError } from '../control-plane/aws-error.ts';

/** Time after its completion in which a deployment can be reverted (StopDeployment). */
const REVERTED_WITHIN_MS = 72 * 60 * 60_000;

/** The attributes of a version that are stored, besides its content. */
export interface VersionDraft {
  readonly content: string;
  readonly contentType: string;
  readonly description?: string | undefined;
  readonly label?: string | undefined;
}

export interface HostedVersion extends VersionDraft {
  /** Per profile, from 1. */
  readonly number: number;
}

export interface DeploymentDraft {
  readonly profileId: string;
  /** A version's number or label. */
  readonly version: string;
  readonly strategyId: string;
  readonly description?: string | undefined;
}

export interface Deployment {
  /** Per environment, from 1. */
  readonly number: number;
  readonly draft: DeploymentDraft;
  readonly version: HostedVersion;
  /** The content that pollers get. */
  readonly published: string;
  readonly startedAtMs: number;
  /** Until then it bakes, and its environment accepts no other. */
  readonly completedAtMs: number;
  /** When it was reverted; pollers get the previous one from then on. */
  readonly takenBack?: TakenBack;
}

interface TakenBack {
  readonly state: 'ROLLED_BACK' | 'REVERTED';
  /** Until then it is ROLLING_BACK, and its environment accepts no other. */
  readonly doneAtMs: number;
  /** The alarm that rolled it back; absent for StopDeployment. */
  readonly alarmArn?: string;
}

export type DeploymentState = 'BAKING' | 'COMPLETE' | 'ROLLING_BACK' | TakenBack['state'];

export interface TakingBack {
  /** `AllowRevert` of StopDeployment. */
  readonly allowRevert: boolean;
  /** Time in which the environment accepts no other deployment. */
  readonly rollbackMs: number;
}

/** @param nowMs the wall clock, in milliseconds, here and below */
export function stateOf({ completedAtMs, takenBack }: Deployment, nowMs: number): DeploymentState {
  if (takenBack !== undefined) return nowMs < takenBack.doneAtMs ? 'ROLLING_BACK' : takenBack.state;
  return nowMs < completedAtMs ? 'BAKING' : 'COMPLETE';
}

/** Whether its environment accepts no other. */
export function isUnderWay(deployment: Deployment, nowMs: number): boolean {
  return ['BAKING', 'ROLLING_BACK'].includes(stateOf(deployment, nowMs));
}

/** Whether pollers got or get this deployment. */
export function isDeployed({ draft, takenBack }: Deployment, profileId: string): boolean {
  return draft.profileId === profileId && takenBack === undefined;
}

/** Rolls back a deployment in progress because of an alarm. */
export function rollBack(deployment: Deployment, nowMs: number, alarmArn: string): Deployment {
  return { ...deployment, takenBack: { state: 'ROLLED_BACK', doneAtMs: nowMs, alarmArn } };
}

/** @throws AwsError if AppConfig does not revert such a deployment (StopDeployment) */
export function takeBack(deployment: Deployment, nowMs: number, { allowRevert, rollbackMs }: TakingBack): Deployment {
  const { number, completedAtMs } = deployment;
  const state = stateOf(deployment, nowMs);
  const isRevertible = allowRevert && nowMs <= completedAtMs + REVERTED_WITHIN_MS;
  if ((state !== 'BAKING' && state !== 'COMPLETE') || !isRevertible) {
    throw new AwsError('BadRequestException', 400, `deployment ${number} cannot be stopped: it is ${state}`);
  }
  const endState = state === 'BAKING' ? 'ROLLED_BACK' : 'REVERTED';
  return { ...deployment, takenBack: { state: endState, doneAtMs: nowMs + rollbackMs } };
}
