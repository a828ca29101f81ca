import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** What an operator needs after a deploy, by the output's name: the value, and what to do with it. */
export type Outputs = Readonly<Record<string, readonly [value: string, description: string]>>;

/** Adds outputs to the stack of a construct. */
export function stackOutputs(scope: Construct, outputs: Outputs): void {
  for (const [name, [value, description]] of Object.entries(outputs)) {
    new CfnOutput(Stack.of(scope), name, { value, description });
  }
}
