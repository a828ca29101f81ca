import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { LOCAL_ASSEMBLY } from '../../local/synthesize.ts';

const ROOT = join(import.meta.dirname, '../..');
const output = mkdtempSync(join(tmpdir(), 'learning-time-app-'));
afterAll(() => rmSync(output, { recursive: true, force: true }));

/** Runs the app as the CDK command line does, without bundling. */
function synth(context: Record<string, unknown>): Promise<{ status: unknown; errors: string }> {
  const cdkJson = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8'));
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    CDK_VALIDATION: 'true',
    CDK_OUTDIR: output,
    CDK_CONTEXT_JSON: JSON.stringify({ ...cdkJson.context, 'aws:cdk:bundling-stacks': [], ...context }),
  };
  return new Promise((resolve) => {
    execFile(process.execPath, ['bin/app.ts'], { cwd: ROOT, env }, (error, _, errors) =>
      resolve({ status: error?.code ?? 0, errors }),
    );
  });
}

// `npm test` and `npm run synth` check the other stages.
test('prod with all options passes the checks of CloudFormation and cdk-nag', async () => {
  const context = {
    ...{ stage: 'prod', publisherPrincipals: '123456789012', availabilityZones: 'us-east-1b,us-east-1c' },
    ...{ statusIssuer: 'https://identity.example', statusAudiences: 'lms,portal' },
    ...{ statusOrigins: 'https://lms.example', statusEnterpriseClaim: 'enterprise_of_token' },
  };
  expect(await synth(context)).toEqual({ status: 0, errors: '' });
  const report = JSON.parse(readFileSync(join(output, 'validation-report.json'), 'utf8'));
  for (const { conclusion, violations } of report.pluginReports) {
    expect({ conclusion, violations }).toEqual({ conclusion: 'success', violations: [] });
  }
  expect(report.pluginReports.map(({ pluginName }: { pluginName: string }) => pluginName)).toContain('AwsSolutions');
  // The overrides of the command line reach the template.
  const template = readFileSync(join(output, 'LearningTimeWebhooks-prod.template.json'), 'utf8');
  expect(template).toContain(':iam::123456789012:root');
  for (const word of ['us-east-1c', 'https://identity.example', 'portal', 'https://lms.example']) {
    expect(template).toContain(`"${word}"`);
  }
  expect(template).toContain('"ENTERPRISE_CLAIM": "enterprise_of_token"');
  const isProtected = (directory: string, stage: string) =>
    JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')).artifacts[`LearningTimeWebhooks-${stage}`]
      .properties.terminationProtection;
  expect([isProtected(output, 'prod'), isProtected(LOCAL_ASSEMBLY, 'local')]).toEqual([true, false]);
});

test('the app exits with one line if a stage is invalid', async () => {
  const errors = 'stage prod: network.availabilityZones: must be two zones or three\n';
  expect(await synth({ stage: 'prod', availabilityZones: 'us-east-1a' })).toEqual({ status: 1, errors });
});
