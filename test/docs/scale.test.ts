import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { integrationSchema } from '../../lambdas/contract/integration.ts';
import { findStage } from '../../lib/stage.ts';

const text = readFileSync('docs/scale.md', 'utf8');
const { eventSources, functions, cache, warehouse } = findStage('prod');

/** The row of "What one of each can do" that begins so: its arithmetic, and what it comes to. */
function row(begin: string): { readonly arithmetic: string; readonly result: number } {
  const line = text.split('\n').find((each) => each.startsWith(`| ${begin}`));
  const [arithmetic = '', result = ''] = line?.split('|').slice(2, 4) ?? [];
  return { arithmetic: arithmetic.trim(), result: numeral(result) };
}

function numeral(written: string): number {
  return Number(written.replaceAll(',', '').trim());
}

/** What is computed there, to the digits that are written. */
function expectAbout(written: number, computed: number): void {
  expect(Math.abs(written / computed - 1)).toBeLessThan(0.02);
}

describe('docs/scale.md computes with the settings of prod', () => {
  const { batchSize, maxConcurrency, windowSeconds } = eventSources.events;

  test.each(['EnrichBatch, all in the cache', 'EnrichBatch, nothing in the cache'])('%s', (begin) => {
    const { arithmetic, result } = row(begin);
    expect(arithmetic).toMatch(new RegExp(`^${maxConcurrency} batches × ${batchSize} ÷ `));
    const [, seconds] = /÷ ([\d.]+) s/.exec(arithmetic) ?? [];
    expectAbout(result, (maxConcurrency * batchSize) / Number(seconds));
  });

  test('EnrichBatch’s memory, and what it is of a core', () => {
    const { arithmetic } = row('EnrichBatch, all in the cache');
    const [, megabytes, share] = /of which (\d+) MB is ([\d.]+)/.exec(arithmetic) ?? [];
    expect(Number(megabytes)).toBe(functions.enrichBatch.memoryMegabytes);
    // 1,769 MB are one core (Lambda's documentation, "Configure memory").
    expectAbout(Number(share), functions.enrichBatch.memoryMegabytes / 1769);
  });

  test('DeliverBatch', () => {
    const { arithmetic, result } = row('DeliverBatch');
    const { deliveries } = eventSources;
    expect(arithmetic).toMatch(new RegExp(`^${deliveries.maxConcurrency} batches × ${deliveries.batchSize} ÷ `));
    const [, seconds] = /÷ ([\d.]+) s/.exec(arithmetic) ?? [];
    expectAbout(result, (deliveries.maxConcurrency * deliveries.batchSize) / Number(seconds));
  });

  test('Valkey', () => {
    const { arithmetic, result } = row('Valkey');
    const [, ecpu = '', each] = /^([\d,]+) ECPU a second ÷ (\d+)/.exec(arithmetic) ?? [];
    expect(numeral(ecpu)).toBe(cache.maxEcpuPerSecond);
    expectAbout(result, cache.maxEcpuPerSecond / Number(each));
  });

  test('EnrichTask', () => {
    const { arithmetic, result } = row('EnrichTask');
    const [, atATime, seconds] = /^(\d+) at a time ÷ ([\d.]+) s/.exec(arithmetic) ?? [];
    expect(Number(atATime)).toBe(functions.enrichTask.reservedConcurrency);
    expectAbout(result, Number(atATime) / Number(seconds));
  });

  test('the window, and the concurrency that is reserved', () => {
    expect(text).toContain(`With a window of ${windowSeconds} s and five pollers`);
    expect(maxConcurrency).toBe(5);
    const tasks = (functions.enrichTask.reservedConcurrency ?? 0) + (functions.deliverTask.reservedConcurrency ?? 0);
    expect(text).toContain(`30 + 50 + ${tasks} for the tasks`);
  });
});

test('what a partner may ask for at most is what an integration takes', () => {
  const { arithmetic, result } = row('one partner');
  const perMinute = numeral(/^[\d,]+/.exec(arithmetic)?.[0] ?? '');
  const takes = (max_requests_per_minute: number) =>
    integrationSchema.safeParse({ id: 'partner', url: 'https://partner.example/', max_requests_per_minute }).success;
  expect([takes(perMinute), takes(perMinute + 1)]).toEqual([true, false]);
  expect(result).toBe(perMinute / 60);
});

test('no setting is named that a stage does not have', () => {
  const settings: Readonly<Record<string, unknown>> = {
    eventSources,
    functions,
    cache,
    warehouse,
    ledger: findStage('prod').ledger,
  };
  const named = [...text.matchAll(/`((?:eventSources|functions|cache|warehouse|ledger)\.[\w.]+)`/g)].map(
    ([, path]) => path as string,
  );
  expect(named.length).toBeGreaterThan(4);
  for (const path of named) {
    const value = path
      .split('.')
      .reduce<unknown>((at, name) => (at as Readonly<Record<string, unknown>>)?.[name], settings);
    expect([path, typeof value]).toEqual([path, 'number']);
  }
});
