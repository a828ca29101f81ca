import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { LearningTimeStack } from '../../lib/learning-time-stack.ts';
import { findStage } from '../../lib/stage.ts';
import type { Stage } from '../../lib/stage-schema.ts';

export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: CloudFormation's shapes, read by tests that fail where they differ.
  readonly Properties: any;
}

export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown }>>;
}

const cdkJson = JSON.parse(readFileSync(join(import.meta.dirname, '../../cdk.json'), 'utf8'));

/**
 * The stack's template, as `cdk synth` writes it, but for the functions' code, which is not bundled. CloudFormation's
 * checks take 4 s of each synthesis: `infra/app.test.ts` makes them once.
 */
export function synthesize(stageName: string, environment: Readonly<Record<string, string>> = {}): Template {
  return synthesizeStage(findStage(stageName, { environment }));
}

/** The same of a stage that nobody has defined. */
export function synthesizeStage(stage: Stage): Template {
  const outdir = mkdtempSync(join(tmpdir(), 'learning-time-synth-'));
  const app = new App({
    outdir,
    context: { ...cdkJson.context, 'aws:cdk:bundling-stacks': [] },
    analyticsReporting: false,
    builtinCloudFormationValidation: false,
  });
  const stack = new LearningTimeStack(app, `LearningTimeWebhooks-${stage.name}`, stage);
  const { template } = app.synth().getStackByName(stack.stackName);
  rmSync(outdir, { recursive: true });
  return template;
}

export function resourcesOf(template: Template, type: string): [string, Resource][] {
  return Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);
}

/** The only resource of a type. */
export function onlyResource(template: Template, type: string): Resource {
  const [first, ...others] = resourcesOf(template, type);
  if (first === undefined || others.length > 0) throw new Error(`expected one ${type}`);
  return first[1];
}

/** A value with its intrinsic functions written out: `<Queue.Arn>` for a GetAtt. Logical ids lose CDK's hash. */
export function flatten(value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': joined } = value as Record<string, unknown>;
  if (typeof Ref === 'string') return `<${withoutHash(Ref)}>`;
  if (Array.isArray(attribute)) return `<${withoutHash(attribute[0])}.${attribute[1]}>`;
  if (Array.isArray(joined)) return joined[1].map(flatten).join(joined[0]);
  throw new Error(`cannot flatten ${JSON.stringify(value)}`);
}

function withoutHash(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, '');
}

/** The state machine's definition; references in it as `flatten` writes them. */
export function workflowDefinition(template: Template): Definition {
  return JSON.parse(flatten(onlyResource(template, 'AWS::StepFunctions::StateMachine').Properties.DefinitionString));
}

export interface Definition {
  readonly StartAt: string;
  readonly TimeoutSeconds: number;
  // biome-ignore lint/suspicious/noExplicitAny: the States Language's shapes, one for each type of state.
  readonly States: Readonly<Record<string, any>>;
}
