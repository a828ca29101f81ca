import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { freePort } from '../../local/valkey/start-valkey.ts';
import { until } from './assembly.ts';
import { describeWithPart } from './optional-part.ts';

const LIMIT_MS = 20_000;

/** Prometheus on 127.0.0.1. */
export interface PrometheusServer {
  /** The samples of an instant query. @throws Error with Prometheus' own message */
  query(expression: string): Promise<readonly Sampled[]>;
  /** The values of a label in the series that a selector matches. @throws Error with Prometheus' own message */
  labelValues(label: string, selector: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

interface Sampled {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

const responseSchema = z.object({ status: z.string(), error: z.string().optional(), data: z.unknown().optional() });
const vectorSchema = z.object({
  result: z.array(
    z.object({
      metric: z.record(z.string(), z.string()),
      value: z.tuple([z.number(), z.string()]).transform(([, text]) => Number(text.replace('Inf', 'Infinity'))),
    }),
  ),
});

/** Starts Debian's Prometheus with a configuration, and resolves when it answers. @throws Error if it does not start */
export async function startPrometheus(configuration: object): Promise<PrometheusServer> {
  const directory = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const file = join(directory, 'prometheus.yml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(configuration), { mode: 0o600 });
  const address = `127.0.0.1:${await freePort()}`;
  const words = [`--config.file=${file}`, `--storage.tsdb.path=${join(directory, 'data')}`];
  const child = spawn('prometheus', [...words, `--web.listen-address=${address}`, '--log.level=warn'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const ended = once(child, 'exit');
  const close = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(directory, { recursive: true });
  };
  const ask = async (path: string, parameters: Readonly<Record<string, string>>): Promise<unknown> => {
    const response = await fetch(`http://${address}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const { status, error, data } = responseSchema.parse(await response.json());
    if (status !== 'success') throw new Error(error);
    return data;
  };
  const isReady = () =>
    fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until(async () => child.exitCode !== null || (await isReady()));
  if (child.exitCode !== null) {
    rmSync(directory, { recursive: true });
    throw new Error(`Prometheus ended: ${complaints}`);
  }
  return {
    query: async (query) => vectorSchema.parse(await ask('query', { query })).result,
    labelValues: async (label, selector) =>
      z.array(z.string()).parse(await ask(`label/${label}/values`, { 'match[]': selector })),
    close,
  };
}

/** Tests that need it, from Debian's package `prometheus`. */
export function describeWithPrometheus(title: string, tests: () => void): void {
  const { error, status } = spawnSync('prometheus', ['--version'], { timeout: LIMIT_MS });
  const isThere = error === undefined && status === 0;
  describeWithPart(title, isThere ? undefined : `no prometheus: ${error?.message ?? `it ends with ${status}`}`, tests);
}
