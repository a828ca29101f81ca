import * as z from 'zod';
import { AwsError } from '../control-plane/aws-error.ts';
import type { TargetHandler } from '../control-plane/rest.ts';
import type { LogLine } from '../lambda/function-process.ts';
import type { Functions } from '../lambda/functions.ts';
import type { Resolver } from '../resolver.ts';

/** The prefix of `X-Amz-Target` of CloudWatch Logs. */
export const LOGS_TARGET = 'Logs_20140328';

/** What one function logged: its last 2,000 lines. */
export interface LocalLogGroup {
  /** As CloudFormation names it in AWS, without the random suffix. */
  readonly name: string;
  readonly lines: readonly LogLine[];
}

/** The log groups of the template's functions. */
export function logGroups(resolver: Resolver, functions: Functions, stackName: string): readonly LocalLogGroup[] {
  return functions.all().map((pool) => {
    const { logicalId } = pool.configuration;
    const { LoggingConfig } = resolver.template.resources[logicalId]?.Properties ?? {};
    const { LogGroup } = z.object({ LogGroup: z.object({ Ref: z.string() }) }).parse(LoggingConfig);
    return { name: `${stackName}-${LogGroup.Ref}`, lines: pool.logs() };
  });
}

const describeSchema = z.object({ logGroupNamePrefix: z.string().default('') });

/** Times in epoch milliseconds, both included. */
const filterSchema = z.object({
  logGroupName: z.string(),
  startTime: z.number().default(0),
  endTime: z.number().default(Number.POSITIVE_INFINITY),
});

/** CloudWatch Logs' `DescribeLogGroups` and `FilterLogEvents`, without a pattern; each all in one page. */
export function logsApi(groups: () => readonly LocalLogGroup[]): TargetHandler {
  const ids = new WeakMap<LogLine, string>();
  let count = 0;
  const idOf = (line: LogLine) => {
    const id = ids.get(line) ?? String(++count).padStart(10, '0');
    ids.set(line, id);
    return id;
  };
  return async (operation, body) => {
    if (operation === 'DescribeLogGroups') {
      const { logGroupNamePrefix } = describeSchema.parse(body);
      const names = groups().map(({ name }) => name);
      return {
        logGroups: names
          .filter((name) => name.startsWith(logGroupNamePrefix))
          .map((logGroupName) => ({ logGroupName })),
      };
    }
    if (operation !== 'FilterLogEvents') throw new AwsError('UnknownOperationException', 400, `no ${operation} here`);
    const { logGroupName, startTime, endTime } = filterSchema.parse(body);
    const group = groups().find(({ name }) => name === logGroupName);
    if (group === undefined) {
      throw new AwsError('ResourceNotFoundException', 400, 'The specified log group does not exist.');
    }
    return {
      events: group.lines
        .filter(({ at }) => at >= startTime && at <= endTime)
        .map((line) => ({
          eventId: idOf(line),
          logStreamName: `local/${line.processId}`,
          timestamp: line.at,
          ingestionTime: line.at,
          message: line.text,
        })),
    };
  };
}
