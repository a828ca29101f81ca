/**
 * cdk-nag's name for the finding that a statement's resource has a wildcard, as `acknowledge` takes it.
 *
 * @param resource references written `<LogicalId.Attribute>`, pseudo parameters `<AWS::Region>`
 */
export function wildcardFinding(resource: string): string {
  return `AwsSolutions::AwsSolutions-IAM5[Resource::${resource}]`;
}
