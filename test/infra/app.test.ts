import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { STAGE_NAMES } from '../../lib/stage.ts';

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

describe('the app', () => {
  // The stage `local` is synthesized with the same checks whenever the local platform starts.
  test.concurrent.each(STAGE_NAMES.filter((name) => name !== 'local'))(
    '%s passes CloudFormation’s checks and cdk-nag’s',
    async (stage) => {
      expect(await synth({ stage }, stage)).toEqual({ status: 0, errors: '' });
      const report = JSON.parse(readFileSync(join(output, stage, 'validation-report.json'), 'utf8'));
      for (const { conclusion, violations } of report.pluginReports) {
        expect({ conclusion, violations }).toEqual({ conclusion: 'success', violations: [] });
      }
      expect(report.pluginReports.map(({ pluginName }: { pluginName: string }) => pluginName)).toContain(
        'AwsSolutions',
      );
    },
    120_000,
  );

  test.concurrent.each([
    [{}, 'no stage given: choose one with -c stage=local or -c stage=dev\n'],
    [{ stage: 'prod' }, 'unknown stage "prod": choose one with -c stage=local or -c stage=dev\n'],
  ])(
    'with %j it ends with one line',
    async (context, errors) => {
      expect(await synth(context, 'none')).toEqual({ status: 1, errors });
    },
    120_000,
  );
});
