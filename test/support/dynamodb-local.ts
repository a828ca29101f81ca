import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { missingJars } from './jdk-schema-engines.ts';

const DIRECTORY = join(import.meta.dirname, '../conformance/jdk/dynamodb-local');
const JARS = join(DIRECTORY, 'target/dependency');

export interface DynamoDbLocal {
  readonly endpoint: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Why DynamoDB Local cannot run here; undefined where it can. Loads it with Maven at the first call. */
export function missingDynamoDbLocal(): string | undefined {
  // Its database is a native library, which it brings for this architecture of Linux only.
  if (process.arch !== 'x64') return `DynamoDB Local does not run on ${process.arch}`;
  return missingJars(DIRECTORY);
}

/** @throws Error if it ends before it listens */
export async function startDynamoDbLocal(): Promise<DynamoDbLocal> {
  const options = ['-Xmx256m', `-Djava.library.path=${JARS}`, '-cp', join(JARS, '*')];
  const child = spawn('java', [...options, join(DIRECTORY, 'DynamoDbLocal.java')], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  let port: string | undefined;
  for await (const line of createInterface(child.stdout)) {
    port = /^port (\d+)$/.exec(line)?.[1];
    if (port !== undefined) break;
  }
  if (port === undefined) throw new Error('DynamoDB Local ended before it listened');
  return {
    endpoint: `http://127.0.0.1:${port}`,
    pid: child.pid as number,
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}
