import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');
const output = mkdtempSync(join(tmpdir(), 'learning-time-app-'));
afterAll(() => rmSync(output, { recursive: true, force: true }));

/** Runs the app as the CDK command line does, without bundling. */
function synth(context: Record<string, unknown>, directory: string): Promise<{ status: unknown; errors: string }> {
  const cdkJson = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8'));
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    CDK_VALIDATION: 'true',
    CDK_OUTDIR: join(output, directory),
    CDK_CONTEXT_JSON: JSON.stringify({ ...cdkJson.context, 'aws:cdk:bundling-stacks': [], ...context }),
  };
  return new Promise((resolve) => {
    execFile(process.execPath, ['bin/app.ts'], { cwd: ROOT, env }, (error, _, errors) =>
      resolve({ status: error?.code ?? 0, errors }),
    );
  });
}

const CHOICE = 'choose one with -c stage=local or -c stage=dev or -c stage=staging or -c stage=prod\n';

describe('the app', () => {
  // `npm run synth` makes the same checks of all stages; `staging` differs from these in numbers only.
  test.concurrent.each(['dev', 'prod'])(
    '%s passes CloudFormation’s checks and cdk-nag’s',
    async (stage) => {
      const context = {
        ...{ stage, publisherPrincipals: '123456789012', availabilityZones: 'us-east-1b,us-east-1c' },
        ...{ statusIssuer: 'https://identity.example', statusAudiences: 'lms,portal' },
        ...{ statusOrigins: 'https://lms.example', statusEnterpriseClaim: 'enterprise_of_token' },
      };
      expect(await synth(context, stage)).toEqual({ status: 0, errors: '' });
      const report = JSON.parse(readFileSync(join(output, stage, 'validation-report.json'), 'utf8'));
      for (const { conclusion, violations } of report.pluginReports) {
        expect({ conclusion, violations }).toEqual({ conclusion: 'success', violations: [] });
      }
      expect(report.pluginReports.map(({ pluginName }: { pluginName: string }) => pluginName)).toContain(
        'AwsSolutions',
      );
      // From the command line to the template.
      const template = readFileSync(join(output, stage, `LearningTimeWebhooks-${stage}.template.json`), 'utf8');
      expect(template).toContain(':iam::123456789012:root');
      for (const word of ['us-east-1c', 'https://identity.example', 'portal', 'https://lms.example']) {
        expect(template).toContain(`"${word}"`);
      }
      expect(template).toContain('"ENTERPRISE_CLAIM": "enterprise_of_token"');
      const { artifacts } = JSON.parse(readFileSync(join(output, stage, 'manifest.json'), 'utf8'));
      const { terminationProtection } = artifacts[`LearningTimeWebhooks-${stage}`].properties;
      expect(terminationProtection === true).toBe(stage === 'prod');
    },
    120_000,
  );

  test.concurrent.each([
    [{}, `no stage given: ${CHOICE}`],
    [
      { stage: 'dev', publisherPrincipals: '123456789012,*' },
      'stage dev: publisherPrincipals.1: "*" is neither an account id of 12 digits nor the ARN of an IAM role or user\n',
    ],
    [
      { stage: 'prod', availabilityZones: 'us-east-1a' },
      'stage prod: network.availabilityZones: must be two zones or three\n',
    ],
  ])(
    'with %j it ends with one line',
    async (context, errors) => {
      expect(await synth(context, 'none')).toEqual({ status: 1, errors });
    },
    120_000,
  );
});
