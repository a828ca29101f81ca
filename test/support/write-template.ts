import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { LearningTimeStack } from '../../lib/learning-time-stack.ts';
import type { Stage } from '../../lib/stage-schema.ts';

/** Synthesizes the stages given as JSON, and writes each template to the file given for it: see `synthesized-stack.ts`. */
const [given = '[]'] = process.argv.slice(2);
const { context } = JSON.parse(readFileSync(join(import.meta.dirname, '../../cdk.json'), 'utf8'));

for (const { stage, file } of JSON.parse(given) as readonly { readonly stage: Stage; readonly file: string }[]) {
  const outdir = mkdtempSync(join(tmpdir(), 'learning-time-synth-'));
  const app = new App({
    outdir,
    context: { ...context, 'aws:cdk:bundling-stacks': [] },
    analyticsReporting: false,
    builtinCloudFormationValidation: false,
  });
  const stack = new LearningTimeStack(app, `LearningTimeWebhooks-${stage.name}`, stage);
  const { template } = app.synth().getStackByName(stack.stackName);
  rmSync(outdir, { recursive: true });
  // In one step: another worker may be reading it.
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(template));
  renameSync(`${file}.${process.pid}`, file);
}
