import { InvokeCommand } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { CommandFailed } from './failures.ts';
import type { OutputName, Stage } from './stage.ts';

interface Invocation<T> {
  /** Holds the function's name in the stage. */
  readonly output: OutputName;
  /** As people call it, and as its log is found. */
  readonly name: string;
  readonly input: object;
  /** Of its response; a field that a newer function adds should be ignored. */
  readonly schema: z.ZodType<T>;
  /** Longer than the client's own bound, where the function needs it. */
  readonly waiting?: { readonly requestTimeout: number; readonly abortSignal: AbortSignal };
}

/**
 * Invokes a function of a stage, and parses its response.
 *
 * @throws CommandFailed where the function failed, or its response does not fit the schema
 * @throws what the client throws
 */
export async function invokeFunction<T>(
  stage: Stage,
  { output, name, input, schema, waiting }: Invocation<T>,
): Promise<T> {
  const command = new InvokeCommand({
    FunctionName: stage.output(output),
    Payload: new TextEncoder().encode(JSON.stringify(input)),
  });
  const response = await stage.lambda.send(command, waiting);
  const text = new TextDecoder().decode(response.Payload);
  if (response.FunctionError !== undefined) throw new CommandFailed(failureOf(name, text));
  const report = schema.safeParse(parsed(text));
  if (report.success) return report.data;
  throw new CommandFailed(`the function ${name} returned something that this version cannot read`);
}

const errorSchema = z.object({ errorType: z.string().optional(), errorMessage: z.string().optional() });

function failureOf(name: string, text: string): string {
  const { errorType, errorMessage } = errorSchema.catch({}).parse(parsed(text));
  const words = [errorType, errorMessage].filter(Boolean).join(': ') || 'no reason given';
  return `the function ${name} failed (${words}): its log says more, in CloudWatch`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
