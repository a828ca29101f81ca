import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FEATURE_OVERRIDE } from '../../lambdas/shared/environment.ts';
import { findStage, STAGE_NAMES } from '../../lib/stage.ts';
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

const ROOT = join(import.meta.dirname, '../..');
/** Of one state of the sources: `aws-cdk-lib` takes over a second to load, and each template 0.3 s to synthesize. */
const TEMPLATES = join(ROOT, 'cdk.out/templates', sourcesHash());

function sourcesHash(): string {
  const files = globSync(['cdk.json', 'package-lock.json', '{lambdas,lib}/**/*.ts', 'test/support/write-template.ts'], {
    cwd: ROOT,
  });
  const hash = createHash('sha256').update(process.version);
  for (const file of files.sort()) hash.update(`\0${file}\0`).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex').slice(0, 32);
}

/** Stages with options of the command line, by the names that tests use for them. */
const VARIANTS: Readonly<Record<string, Stage>> = {
  'prod with all options': findStage('prod', {
    alarmEmails: 'night@example.com, day@example.com',
    publisherPrincipals: 'arn:aws:iam::210987654321:role/lms/publisher,123456789012',
    availabilityZones: 'us-west-2a,us-west-2b,us-west-2c',
    statusIssuer: 'https://identity.example/realms/lms',
    statusAudiences: 'lms,partner-portal',
    statusOrigins: 'https://lms.example,https://portal.example:8443',
    statusEnterpriseClaim: 'enterprise_customer_uuid',
  }),
  'prod without WarmCache': withoutWarmCache(findStage('prod')),
  'dev with the flag overridden': findStage('dev', { environment: { [FEATURE_OVERRIDE]: 'false' } }),
};

function withoutWarmCache(stage: Stage): Stage {
  const events = { ...stage.eventSources.events, batchSize: 100, windowSeconds: 1 };
  return {
    ...stage,
    warmCache: { ...stage.warmCache, enabled: false },
    eventSources: { ...stage.eventSources, events },
  };
}

/**
 * A stack's template, as `cdk synth` writes it, but for the functions' code, which is not bundled. CloudFormation's
 * checks take 4 s of each synthesis: `infra/app.test.ts` makes them once.
 *
 * @param name of a stage or of a variant
 */
export function synthesize(name: string): Template {
  return synthesizeStage(VARIANTS[name] ?? findStage(name));
}

/** The same for any stage. */
export function synthesizeStage(stage: Stage): Template {
  const file = fileOf(stage);
  // All in one process, since loading `aws-cdk-lib` takes longer than a synthesis.
  if (!existsSync(file)) write([stage, ...STAGE_NAMES.map((name) => findStage(name)), ...Object.values(VARIANTS)]);
  return JSON.parse(readFileSync(file, 'utf8'));
}

function fileOf(stage: Stage): string {
  return join(TEMPLATES, `${stage.name}-${createHash('sha256').update(JSON.stringify(stage)).digest('hex')}.json`);
}

function write(stages: readonly Stage[]): void {
  mkdirSync(TEMPLATES, { recursive: true });
  for (const name of readdirSync(dirname(TEMPLATES)).filter((name) => name !== basename(TEMPLATES))) {
    rmSync(join(dirname(TEMPLATES), name), { recursive: true, force: true });
  }
  const wanted = new Map(stages.map((stage) => [fileOf(stage), { stage, file: fileOf(stage) }]));
  const missing = [...wanted.values()].filter(({ file }) => !existsSync(file));
  execFileSync(process.execPath, [join(import.meta.dirname, 'write-template.ts'), JSON.stringify(missing)], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
}

export function resourcesOf(template: Template, type: string): [string, Resource][] {
  return Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);
}

/** The properties of all resources of a type. */
export function propertiesOf(template: Template, type: string): Resource['Properties'][] {
  return resourcesOf(template, type).map(([, { Properties }]) => Properties);
}

/** @param handler `enrich-batch` */
export function functionProperties(template: Template, handler: string): Resource['Properties'] {
  const found = propertiesOf(template, 'AWS::Lambda::Function').find(({ Handler }) => Handler === `${handler}.handler`);
  if (found === undefined) throw new Error(`no function ${handler}`);
  return found;
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
