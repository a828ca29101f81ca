import * as z from 'zod';
import type { Integration, PayloadFormat } from '../contract/integration.ts';
import { isJsonObject } from './json-object.ts';

export type DurationUnit = Integration['duration_unit'];

/** What the warehouse says of a learner, and in which unit a partner wants a bare number. */
export interface KnownLearningTime {
  /** Whole seconds, 0 or more. */
  readonly totalSeconds: number;
  /** The warehouse's batch date, midnight UTC. */
  readonly lastUpdated: string;
  readonly durationUnit: DurationUnit;
}

/** A payload's fields: values of `parseKeepingNumbers`, so a number may be kept as its text. */
type Fields = Readonly<Record<string, unknown>>;

interface Format {
  /** The fields with the learning time in its place; what cannot take it is left as it is, for the schema to judge. */
  fill(fields: Fields, learningTime: KnownLearningTime): Fields;
  /** What a completion with learning time must look like. */
  readonly filled: z.ZodObject;
  /** What one without must look like; absent where any JSON object will do. */
  readonly plain?: z.ZodObject;
}

/** The object that document 001, section 3.2, adds to a completion. */
export interface LearningTimeObject {
  /** Whole seconds, 0 or more. */
  readonly total_seconds: number;
  /** Hours, rounded to 2 decimals. */
  readonly total_hours: number;
  /** The warehouse's batch date, midnight UTC. */
  readonly last_updated: string;
}

export function learningTimeObject(totalSeconds: number, lastUpdated: string): LearningTimeObject {
  return { total_seconds: totalSeconds, total_hours: inUnit(totalSeconds, 'hours'), last_updated: lastUpdated };
}

const UNIT_SECONDS = { seconds: 1, minutes: 60, hours: 3600 } as const;

/** Rounded to 2 decimals. */
function inUnit(seconds: number, unit: DurationUnit): number {
  return Math.round((seconds * 100) / UNIT_SECONDS[unit]) / 100;
}

const wholeSeconds = z.int('must be whole seconds').min(0, 'must be 0 or more');

const learningTimeField = z.object({
  learning_time: z.strictObject({
    total_seconds: wholeSeconds,
    total_hours: z.number().min(0),
    last_updated: z.iso.datetime(),
  }),
});

const anObject = 'must be an object';
const completionFilled = z.object({ learning_time: wholeSeconds }, anObject);
const completionPlain = z.object({ learning_time: wholeSeconds.nullish() }, anObject).nullish();

const duration = z.number('must be a number').min(0, 'must be 0 or more');
const uuidOrNull = z.guid('must be a UUID or null').nullable();
const PERCIPIO = {
  content_id: z.string('must be text').regex(/^course:[^\s+]+(\+[^\s+]+)+$/, 'must be like course:Org+Course'),
  user: uuidOrNull,
  orgid: uuidOrNull,
  status: z.enum(['completed', 'started'], 'must be completed or started'),
  event_date: z.iso.datetime({ precision: 0, error: 'must be a time like 2026-01-15T12:00:00Z' }),
  completion_percentage: z.number('must be a number').min(0, 'must be 0 to 100').max(100, 'must be 0 to 100'),
};

/**
 * Fields that a schema does not name are allowed, and sent as they came. Where there is no learning time, the LMS may
 * have put its own in the place, or `null`, as Python publishers write "none".
 */
const FORMATS: Readonly<Record<PayloadFormat, Format>> = {
  /** Document 001. */
  learning_time_object: {
    fill: (fields, { totalSeconds, lastUpdated }) => ({
      ...fields,
      learning_time: learningTimeObject(totalSeconds, lastUpdated),
    }),
    filled: learningTimeField,
  },
  /**
   * Document 000: whole seconds in the object `completion`. Open edX adds the object to Percipio's flat document, and only
   * when the time is known (enterprise-integrated-channels 0.2.0), so a payload without it is complete.
   */
  completion_field: {
    fill: (fields, { totalSeconds }) => {
      const completion = fields.completion ?? {};
      return isJsonObject(completion)
        ? { ...fields, completion: { ...completion, learning_time: totalSeconds } }
        : fields;
    },
    filled: z.object({ completion: completionFilled }),
    plain: z.object({ completion: completionPlain }),
  },
  /** Percipio's flat document, which the LMS writes but for the duration. */
  percipio: {
    fill: (fields, { totalSeconds, durationUnit }) => ({
      ...fields,
      duration_spent: inUnit(totalSeconds, durationUnit),
    }),
    filled: z.object({ ...PERCIPIO, duration_spent: duration }),
    plain: z.object({ ...PERCIPIO, duration_spent: duration.nullish() }),
  },
};

/** The payload's fields with the learning time where the format has it. */
export function fillFormat(format: PayloadFormat, fields: Fields, learningTime: KnownLearningTime): Fields {
  return FORMATS[format].fill(fields, learningTime);
}

/** Whether a completion without learning time has more to fulfil than to be a JSON object, which entry has checked. */
export function judgesPlain(format: PayloadFormat): boolean {
  return FORMATS[format].plain !== undefined;
}

/**
 * What is wrong with a completion, in words that name its fields and never their values; undefined where it fits.
 *
 * @param fields values of `parseKeepingNumbers`, or of `JSON.parse`
 */
export function formatFault(format: PayloadFormat, state: 'filled' | 'plain', fields: Fields): string | undefined {
  const schema = FORMATS[format][state];
  const issues = schema?.safeParse(asReceived(fields, Object.keys(schema.shape))).error?.issues ?? [];
  if (issues.length === 0) return undefined;
  const faults = issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  return `the payload does not fit ${format}: ${faults.join('; ')}`;
}

/** Some of the fields as a partner reads them: here a number that is kept as its text is no number to a schema. */
function asReceived(fields: Fields, names: readonly string[]): unknown {
  return JSON.parse(JSON.stringify(Object.fromEntries(names.map((name) => [name, fields[name]]))));
}
