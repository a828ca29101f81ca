import { courseCompletion } from './course-completion.ts';
import { courseEnrollment } from './course-enrollment.ts';
import type { EventTypeDefinition, Kind } from './event-type.ts';
import { lead } from './lead/lead.ts';

/** Every type of event, by the name that events have it under. */
const DEFINITIONS = {
  course_completion: courseCompletion,
  course_enrollment: courseEnrollment,
  lead,
} as const satisfies Readonly<Record<string, EventTypeDefinition>>;

export type EventType = keyof typeof DEFINITIONS;

export const EVENT_TYPES = Object.keys(DEFINITIONS) as [EventType, ...EventType[]];

export function definitionOfType(type: EventType): EventTypeDefinition {
  return DEFINITIONS[type];
}

/** What holds for events of a type that says nothing of it. */
const USUAL: Kind = {};

const KINDS_BY_NAME: ReadonlyMap<string, Kind> = new Map(
  EVENT_TYPES.flatMap((type): [string, Kind][] => {
    const { kinds, rules = USUAL } = definitionOfType(type);
    if (kinds === undefined) return [[type, rules]];
    return Object.entries(kinds.byName).map(([name, kind]) => [kindName(type, name), kind]);
  }),
);

/** Every kind of event: a type that has kinds is each of them, `lead.hot`; another is one by itself. */
export const KINDS = [...KINDS_BY_NAME.keys()] as [string, ...string[]];

/** @returns what holds for any event, for a name that is no kind (of a newer version) */
export function kindNamed(name: string): Kind {
  return KINDS_BY_NAME.get(name) ?? USUAL;
}

/** The kind's name of an event. @param payload one that its type's schema has accepted */
export function kindOfEvent(type: EventType, payload: Readonly<Record<string, unknown>>): string {
  const { kinds } = definitionOfType(type);
  return kinds === undefined ? type : kindName(type, String(payload[kinds.field]));
}

/** The kind of a webhook on its way, in its own words, or of one that an older version accepted. */
export function kindOf({
  event_type,
  kind,
}: {
  readonly event_type: string;
  readonly kind?: string | undefined;
}): string {
  return kind ?? event_type;
}

/** The type that a kind is of. @throws Error for a name that is no kind */
export function typeOfKind(kind: string): EventType {
  const type = EVENT_TYPES.find((name) => kind === name || kind.startsWith(kindName(name, '')));
  if (type === undefined) throw new Error(`there is no kind ${kind}`);
  return type;
}

/** Whether events of a type may wait, and so take each other's place. */
export function hasTimers(type: EventType): boolean {
  const { kinds, rules = USUAL } = definitionOfType(type);
  return Object.values(kinds?.byName ?? { rules }).some(({ timer }) => timer !== undefined);
}

function kindName(type: string, name: string): string {
  return `${type}.${name}`;
}
