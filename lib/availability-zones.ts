import * as z from 'zod';

/** Number of zones if a stage names none: the minimum of ElastiCache Serverless. */
export const DEFAULT_ZONES = 2;

/** Private subnets have 1,024 addresses each; the VPC's 4,096 hold three of them. */
const MOST_ZONES = 3;

/** `us-east-1a`. Not a local zone (`us-east-1-bos-1a`), which lacks ElastiCache Serverless. */
const ZONE = /^([a-z]{2}(?:-[a-z]+)+-\d)[a-z]$/;

/** The zones of a stage, by their names in the account, not their ids (`use1-az1`). */
export const availabilityZones = z.array(z.string()).superRefine((zones, context) => {
  const fault = faultOf(zones);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
});

/** Whether all zones are in a region; ignores names that are not zones. */
export function areIn(region: string, zones: readonly string[]): boolean {
  return zones.every((zone) => [undefined, region].includes(regionOf(zone)));
}

function faultOf(zones: readonly string[]): string | undefined {
  const unnamed = zones.find((zone) => regionOf(zone) === undefined);
  if (unnamed !== undefined)
    return `${JSON.stringify(unnamed)} is not the name of an availability zone, such as us-east-1a`;
  if (new Set(zones).size < zones.length) return 'names a zone twice';
  if (zones.length < DEFAULT_ZONES || zones.length > MOST_ZONES) return 'must be two zones or three';
  return new Set(zones.map(regionOf)).size > 1 ? 'must be zones of one region' : undefined;
}

function regionOf(zone: string): string | undefined {
  return ZONE.exec(zone)?.[1];
}
