import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** Values that operators and commands need after a deploy, by the output's name; the description says what for. */
export type Outputs = Readonly<Record<string, readonly [value: string, description: string]>>;

/** Adds outputs to the stack of a construct. */
export function stackOutputs(scope: Construct, outputs: Outputs): void {
  for (const [name, [value, description]] of Object.entries(outputs)) {
    new CfnOutput(Stack.of(scope), name, { value, description });
  }
}
