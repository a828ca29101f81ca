import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { measureEndToEnd } from '../../bench/end-to-end/measure.ts';
import { variantAssembly } from '../../bench/end-to-end/variant.ts';
import { LOCAL_ASSEMBLY, LOCAL_STACK } from '../../local/synthesize.ts';
import { readTemplate, resourcesOfType } from '../../local/template.ts';

const DEPLOYED = { window: 'on', ledger: 'on', telemetry: 'on' } as const;

describe('a variant of the local stage', () => {
  const read = async (variant: Parameters<typeof variantAssembly>[1]) => {
    const assembly = await variantAssembly(LOCAL_ASSEMBLY, variant);
    try {
      const template = readTemplate(assembly.directory, LOCAL_STACK);
      const windows = resourcesOfType(template, 'AWS::Lambda::EventSourceMapping').map(
        ([, { Properties }]) => [Properties?.BatchSize, Properties?.MaximumBatchingWindowInSeconds ?? 0] as const,
      );
      const codeOf = (handler: string) => {
        const code = resourcesOfType(template, 'AWS::Lambda::Function')
          .filter(([, { Properties }]) => Properties?.Handler === `${handler}.handler`)
          .map(([, { Properties }]) => Properties?.Code as { readonly S3Key: string });
        return template.assetDirectories.get(code[0]?.S3Key ?? '') as string;
      };
      const code = ['enrich-batch', 'enrich-task', 'deliver-batch', 'deliver-task'].map((handler) => ({
        isReplaced: codeOf(handler).includes('without-ledger'),
        isThere: existsSync(join(codeOf(handler), `${handler}.mjs`)),
      }));
      return { windows, code };
    } finally {
      assembly.remove();
    }
  };

  test('has no batching window, and so no batch over ten', async () => {
    expect((await read(DEPLOYED)).windows).toContainEqual([100, 1]);
    const { windows } = await read({ ...DEPLOYED, window: 'off' });
    expect(windows.every(([size, seconds]) => size === 10 && seconds === 0)).toBe(true);
  });

  test('has other code without the ledger, for each function on an event’s way', async () => {
    const there = { isThere: true };
    const each = (isReplaced: boolean) => Array.from({ length: 4 }, () => ({ ...there, isReplaced }));
    expect((await read(DEPLOYED)).code).toEqual(each(false));
    expect((await read({ ...DEPLOYED, ledger: 'off' })).code).toEqual(each(true));
  }, 60_000);
});

test('completions reach the partner, and what it took is told', async () => {
  const options = { bursts: 1, stretches: 1, seconds: 1, assemblyDirectory: LOCAL_ASSEMBLY };
  const { cold, bursts, steady, cpuMs, writtenBytes, hitRates } = await measureEndToEnd(
    { ...DEPLOYED, window: 'off', ledger: 'off' },
    options,
  );
  // Not how fast, which depends on the machine, but that every event came.
  for (const { p50, p99 } of [cold, ...bursts, ...steady]) {
    expect(p50).toBeGreaterThan(0);
    expect(p99).toBeLessThan(20_000);
  }
  // Twenty events, of which every fifth is of a learner that nobody was asked about.
  expect(hitRates).toEqual([0.8]);
  expect(cpuMs).toEqual([expect.any(Number)]);
  expect(cpuMs[0]).toBeGreaterThan(0);
  expect(writtenBytes[0]).toBeGreaterThan(100);
}, 120_000);
