import * as z from 'zod';

/** Number of zones where a stage names none: the fewest that ElastiCache Serverless takes. */
export const DEFAULT_ZONES = 2;

/** Private networks of 1,024 addresses, of which the network of 4,096 holds three. */
const MOST_ZONES = 3;

/** `us-east-1a`. Not a local zone (`us-east-1-bos-1a`), which lacks ElastiCache Serverless. */
const ZONE = /^([a-z]{2}(?:-[a-z]+)+-\d)[a-z]$/;

/** The zones of a stage, by their names in the account (an id, `use1-az1`, is none). */
export const availabilityZones = z.array(z.string()).superRefine((zones, context) => {
  const fault = faultOf(zones);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
});

/** Whether zones are in a region, as far as they are zones at all. */
export function areIn(region: string, zones: readonly string[]): boolean {
  return zones.every((zone) => [undefined, region].includes(regionOf(zone)));
}

function faultOf(zones: readonly string[]): string | undefined {
  const unnamed = zones.find((zone) => regionOf(zone) === undefined);
  if (unnamed !== undefined) return `${JSON.stringify(unnamed)} is no name of an availability zone, such as us-east-1a`;
  if (new Set(zones).size < zones.length) return 'names a zone twice';
  if (zones.length < DEFAULT_ZONES || zones.length > MOST_ZONES) return 'must be two zones or three';
  return new Set(zones.map(regionOf)).size > 1 ? 'must be zones of one region' : undefined;
}

function regionOf(zone: string): string | undefined {
  return ZONE.exec(zone)?.[1];
}
