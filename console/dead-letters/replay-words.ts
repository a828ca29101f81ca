/** Which deliveries are replayed, as the form has it. An empty text narrows nothing down. */
export interface ReplaySelection {
  readonly integration: string;
  /** One of `REPLAYED_STATES`. */
  readonly state: string;
  /** A reason, or the pattern of a group. */
  readonly like: string;
  /** A part of the reason. */
  readonly contains: string;
  /** By when they were accepted, as `--since` and `--until` take it. */
  readonly since: string;
  readonly until: string;
}

/** The command line that replays a selection, without its rate. Each reason is one word, whatever its characters are. */
export function replayWords({ integration, state, like, contains, since, until }: ReplaySelection): string[] {
  const option = (name: string, value: string) => (value.trim() === '' ? [] : [name, value]);
  const joined = (name: string, value: string) => (value.trim() === '' ? [] : [`${name}=${value}`]);
  return [
    'replay',
    ...option('--integration', integration.trim()),
    ...option('--state', state),
    ...joined('--error-like', like),
    ...joined('--error', contains),
    ...option('--since', since.trim()),
    ...option('--until', until.trim()),
  ];
}
