import { courseCompletion } from './course-completion.ts';
import { courseEnrollment } from './course-enrollment.ts';
import type { EventTypeDefinition, Kind } from './event-type.ts';
import { lead } from './lead/lead.ts';

/** All event types, by the `event_type` of their events. */
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

/** The rules of a type that defines none. */
const DEFAULT_KIND: Kind = {};

const KINDS_BY_NAME: ReadonlyMap<string, Kind> = new Map(
  EVENT_TYPES.flatMap((type): [string, Kind][] => {
    const { kinds, rules = DEFAULT_KIND } = definitionOfType(type);
    if (kinds === undefined) return [[type, rules]];
    return Object.entries(kinds.byName).map(([name, kind]) => [kindName(type, name), kind]);
  }),
);

/** All kinds of events: `lead.hot` for a type with kinds, else the name of the type. */
export const KINDS = [...KINDS_BY_NAME.keys()] as [string, ...string[]];

/** @returns the default rules for an unknown name, which a newer version may have written */
export function kindNamed(name: string): Kind {
  return KINDS_BY_NAME.get(name) ?? DEFAULT_KIND;
}

/** The name of an event's kind. @param payload valid by the type's schema */
export function kindOfEvent(type: EventType, payload: Readonly<Record<string, unknown>>): string {
  const { kinds } = definitionOfType(type);
  return kinds === undefined ? type : kindName(type, String(payload[kinds.field]));
}

/** The name of a webhook's kind; the type, if the webhook has no kind. */
export function kindOf({
  event_type,
  kind,
}: {
  readonly event_type: string;
  readonly kind?: string | undefined;
}): string {
  return kind ?? event_type;
}

/** The type of a kind. @throws Error if there is no such kind */
export function typeOfKind(kind: string): EventType {
  const type = EVENT_TYPES.find((name) => kind === name || kind.startsWith(kindName(name, '')));
  if (type === undefined) throw new Error(`there is no kind ${kind}`);
  return type;
}

/** Whether events of a type may be scheduled, and so supersede each other. */
export function hasTimers(type: EventType): boolean {
  const { kinds, rules = DEFAULT_KIND } = definitionOfType(type);
  return Object.values(kinds?.byName ?? { rules }).some(({ timer }) => timer !== undefined);
}

function kindName(type: string, name: string): string {
  return `${type}.${name}`;
}
