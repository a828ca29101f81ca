import type { Definition } from './definition.ts';
import type { Resolver } from './resolver.ts';
import { StateMachine, type StateMachineOptions, stateMachineArn } from './state-machine.ts';
import { resourcesOfType, type Template } from './template.ts';

const TYPE = 'AWS::StepFunctions::StateMachine';

function stateMachineName(template: Template, resolver: Resolver, logicalId: string): string {
  return String(resolver.resolve(template.resources[logicalId]?.Properties?.StateMachineName, logicalId) ?? logicalId);
}

export function registerStateMachines(template: Template, resolver: Resolver): void {
  for (const [logicalId] of resourcesOfType(template, TYPE)) {
    const name = stateMachineName(template, resolver, logicalId);
    const arn = stateMachineArn(name);
    resolver.register(logicalId, { ref: arn, attributes: { Arn: arn, Name: name } });
  }
}

/** Every state machine of the template, ready to start executions. @throws Error as the state machine's constructor does */
export function createStateMachines(
  template: Template,
  resolver: Resolver,
  options: Omit<StateMachineOptions, 'logicalId' | 'name' | 'definition'>,
): StateMachine[] {
  return resourcesOfType(template, TYPE).map(([logicalId]) => {
    const definition = readDefinition(logicalId, resolver);
    return new StateMachine({
      ...options,
      logicalId,
      name: stateMachineName(template, resolver, logicalId),
      definition,
    });
  });
}

function readDefinition(logicalId: string, resolver: Resolver): Definition {
  const { DefinitionString, Definition: definition } = resolver.properties(logicalId);
  if (typeof DefinitionString === 'string') return JSON.parse(DefinitionString) as Definition;
  if (definition !== undefined) return definition as Definition;
  throw new Error(`${logicalId}: the local platform reads DefinitionString or Definition only`);
}
