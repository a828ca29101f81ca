import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { LearningTimeStack } from '../lib/learning-time-stack.ts';
import { findStage, OVERRIDE_NAMES } from '../lib/stage.ts';
import type { Stage } from '../lib/stage-schema.ts';

const app = new App();

function chosenStage(): Stage {
  try {
    const overrides = Object.fromEntries(OVERRIDE_NAMES.map((name) => [name, app.node.tryGetContext(name)]));
    return findStage(app.node.tryGetContext('stage'), { ...overrides, environment: process.env });
  } catch (thrown) {
    process.stderr.write(`${(thrown as Error).message}\n`);
    process.exit(1);
  }
}

const stage = chosenStage();
new LearningTimeStack(app, `LearningTimeWebhooks-${stage.name}`, stage, {
  description: 'LMS events to partner webhooks, completions enriched with learning time',
});
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
