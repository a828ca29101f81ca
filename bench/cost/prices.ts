/**
 * List prices in US dollars, us-east-1, November 2026, without free tiers and discounts; from memory but for NAT and Valkey:
 * check them against AWS's price pages (docs/costs.md says the same of its own table). The only place where they stand.
 */
export const DOLLARS = {
  sqsRequest: 0.4e-6,
  lambdaRequest: 0.2e-6,
  /** arm64, first tier. */
  lambdaGigabyteSecond: 0.0000133334,
  stateTransition: 25e-6,
  kmsCall: 0.03 / 10_000,
  natGigabyte: 0.045,
  dataOutGigabyte: 0.09,
  appConfigPoll: 0.2e-6,
  appConfigReceived: 0.0008,
  logGigabyte: 0.5,
  trace: 5e-6,
  cacheEcpu: 0.0023e-6,
  secretRead: 0.05 / 10_000,
  tableWriteUnit: 0.625e-6,
  tableReadUnit: 0.125e-6,
  tableGigabyteMonth: 0.25,
  tableBackupGigabyteMonth: 0.2,
} as const;
