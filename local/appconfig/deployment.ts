import { AwsError } from '../control-plane/aws-error.ts';

/** How long after its completion a deployment can still be reverted (StopDeployment). */
const REVERTED_WITHIN_MS = 72 * 60 * 60_000;

/** Of what is given besides the content, only this is kept. */
export interface VersionDraft {
  readonly content: string;
  readonly contentType: string;
  readonly description?: string | undefined;
  readonly label?: string | undefined;
}

export interface HostedVersion extends VersionDraft {
  /** Counted for each profile, from 1. */
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
  /** Counted for each environment, from 1. */
  readonly number: number;
  readonly draft: DeploymentDraft;
  readonly version: HostedVersion;
  /** What those who poll are answered. */
  readonly published: string;
  readonly startedAtMs: number;
  /** Until then it bakes, and its environment takes no other. */
  readonly completedAtMs: number;
  /** Those who poll are answered the one before it, from the moment of the order. */
  readonly takenBack?: TakenBack;
}

interface TakenBack {
  readonly state: 'ROLLED_BACK' | 'REVERTED';
  /** Until then it is ROLLING_BACK, and its environment takes no other. */
  readonly doneAtMs: number;
  /** Whose alarm took it back; absent where somebody ordered it. */
  readonly alarmArn?: string;
}

export type DeploymentState = 'BAKING' | 'COMPLETE' | 'ROLLING_BACK' | TakenBack['state'];

export interface TakingBack {
  /** `AllowRevert` of StopDeployment. */
  readonly allowRevert: boolean;
  /** How long the environment takes no other deployment. */
  readonly rollbackMs: number;
}

/** @param nowMs the wall clock, in milliseconds, as of the others below */
export function stateOf({ completedAtMs, takenBack }: Deployment, nowMs: number): DeploymentState {
  if (takenBack !== undefined) return nowMs < takenBack.doneAtMs ? 'ROLLING_BACK' : takenBack.state;
  return nowMs < completedAtMs ? 'BAKING' : 'COMPLETE';
}

/** Whether its environment takes no other one. */
export function isUnderWay(deployment: Deployment, nowMs: number): boolean {
  return ['BAKING', 'ROLLING_BACK'].includes(stateOf(deployment, nowMs));
}

/** Whether it was, or is, what those who poll a profile are answered. */
export function isDeployed({ draft, takenBack }: Deployment, profileId: string): boolean {
  return draft.profileId === profileId && takenBack === undefined;
}

/** What AppConfig does to a deployment under way once an alarm of its environment goes off. */
export function rollBack(deployment: Deployment, nowMs: number, alarmArn: string): Deployment {
  return { ...deployment, takenBack: { state: 'ROLLED_BACK', doneAtMs: nowMs, alarmArn } };
}

/** @throws AwsError where AppConfig takes no such deployment back (StopDeployment) */
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
