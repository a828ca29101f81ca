/** The heading of the runbook that an alarm names: `backlog` of `docs/runbook.md#backlog`. Undefined if it names none. */
export function runbookHeading(runbook: string): string | undefined {
  return /^docs\/runbook\.md#([a-z][a-z-]*)$/.exec(runbook)?.[1];
}
