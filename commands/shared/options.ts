import { Argument, type Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import type * as z from 'zod';
import { integrationIdSchema } from '../../lambdas/events/event.ts';
import { STAGE_NAMES } from '../../lib/stage.ts';
import { isTime, TIME_FORMS, UNITS_MS } from './time-span.ts';

const DURATION = /^(\d{1,6})([mhd])$/;
const WHOLE_NUMBER = /^\d{1,9}$/;

/** `--stage NAME`, the local platform by default. */
export function stageOption() {
  return namedStageOption('the stage; local is the platform that "npm start" runs').default('local');
}

/** A subcommand that works on a stage: with `--stage`. */
export function stageCommand(parent: Pick<Command, 'command'>, name: string, description: string) {
  return parent.command(name).description(description).addOption(stageOption());
}

/** `--stage NAME` without a default, for commands that read a file instead. */
export function namedStageOption(description: string) {
  return new Option('--stage <name>', description).choices(STAGE_NAMES);
}

/** `--json` */
export function jsonOption() {
  return new Option('--json', 'prints one JSON document instead of text');
}

/** `--integration ID` */
export function integrationOption(description = 'only this integration') {
  return new Option('--integration <id>', description).argParser(integrationId);
}

/** `--yes` */
export function yesOption() {
  return new Option('--yes', 'does not ask for confirmation');
}

/** `--dry-run` */
export function dryRunOption() {
  return new Option('--dry-run', 'prints what would change, and changes nothing');
}

/** `--since TIME`, by when a delivery was accepted. @param usual what holds without it; undefined where all do */
export function sinceOption(usual?: string) {
  const otherwise = usual === undefined ? '' : ` (default: ${usual})`;
  return new Option('--since <time>', `accepted since: ${TIME_FORMS}${otherwise}`).argParser(time);
}

/** `--until TIME`, by when a delivery was accepted. */
export function untilOption() {
  return new Option('--until <time>', 'accepted until, in the same forms; a day counts whole').argParser(time);
}

/** The id of an integration as an argument. */
export function integrationArgument<Required extends string>(name: Required) {
  return new Argument(name, 'the id of an integration').argParser(integrationId);
}

/** @throws InvalidArgumentError */
export function integrationId(text: string): string {
  if (integrationIdSchema.safeParse(text).success) return text;
  throw new InvalidArgumentError('It cannot be the id of an integration.');
}

/** Reads a time in one of `TIME_FORMS`. @throws InvalidArgumentError */
export function time(text: string): string {
  if (isTime(text)) return text;
  throw new InvalidArgumentError(`It must be ${TIME_FORMS}.`);
}

/** Reads a duration such as `30m`, `24h` or `7d`, in milliseconds. */
export function durationUpTo(mostDays: number) {
  return (text: string): number => {
    const [, count = '', unit = ''] = DURATION.exec(text) ?? [];
    const ms = Number(count) * (UNITS_MS[unit] ?? 0);
    if (ms > 0 && ms <= mostDays * (UNITS_MS.d ?? 0)) return ms;
    throw new InvalidArgumentError(`It must be 1m to ${mostDays}d, written like 30m, 24h or 7d.`);
  };
}

/** Reads a number from `least` to `most`. */
export function numberBetween(least: number, most: number) {
  return (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  };
}

/** Reads a whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number) {
  return (text: string): number => {
    const value = Number(text);
    if (WHOLE_NUMBER.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

/** Reads ids of which each passes a schema; for an argument that may be repeated. */
export function each(schema: z.ZodType<string>, expected: string) {
  return (text: string, before: readonly string[] | undefined): string[] => {
    const read = schema.safeParse(text);
    if (!read.success) throw new InvalidArgumentError(expected);
    return [...(before ?? []), read.data];
  };
}
