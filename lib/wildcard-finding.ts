/**
 * The id of cdk-nag's finding on a wildcard in a statement's resource, for `acknowledge`.
 *
 * @param resource references written `<LogicalId.Attribute>`, pseudo parameters `<AWS::Region>`
 */
export function wildcardFinding(resource: string): string {
  return `AwsSolutions::AwsSolutions-IAM5[Resource::${resource}]`;
}
