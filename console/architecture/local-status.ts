/** A switch of the local platform. */
export interface LocalSwitch {
  /** What follows `npm run local --`, without the position: `partner skillsoft`. */
  readonly words: readonly string[];
  /** As the platform says it: `up`, `503`, `503, then 200`. */
  readonly state: string;
  /** Positions that the console offers. */
  readonly positions: readonly string[];
}

const SWITCHES: Readonly<Record<string, readonly string[]>> = {
  warehouse: ['up', 'down', 'hang'],
  appconfig: ['up', 'down'],
};

const PARTNER_POSITIONS = ['up', 'down', '503', 'hang'];

/** The platform's time and its switches, in what `npm run local -- status` prints: a name and a text in each line. */
export function parseLocalStatus(text: string): { readonly time: string; readonly switches: readonly LocalSwitch[] } {
  const lines = text.split('\n').map((line) => {
    const [, name = '', value = ''] = /^(\S+) +(.*)$/.exec(line) ?? [];
    return { name, value };
  });
  const switches = lines.flatMap(({ name, value }): LocalSwitch[] => {
    const positions = SWITCHES[name];
    if (positions !== undefined) return [{ words: [name], state: value, positions }];
    if (name !== 'partner') return [];
    const [, id = '', state = ''] = /^([^:]+): (.*)$/.exec(value) ?? [];
    return [{ words: [name, id], state, positions: PARTNER_POSITIONS }];
  });
  return { time: lines.find(({ name }) => name === 'time')?.value ?? '', switches };
}
