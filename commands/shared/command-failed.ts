/** What a person is told in a few lines, and nothing more: an expected failure. The command ends with status 1. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}
