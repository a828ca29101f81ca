import { errorName, PipelineError } from '../shared/errors.ts';
import { faultsOf } from '../shared/faults.ts';
import type { DatedSecret } from '../shared/secret-source.ts';
import {
  type CheckWarehouseReport,
  checkWarehouseRequestSchema,
  type Inspected,
  type KnownSum,
  WAREHOUSE_CHECKS,
  type WarehouseCheck,
  type WarehouseCheckName,
  type WarehouseInspector,
} from './check.ts';
import {
  checkChanges,
  checkColumns,
  checkRole,
  checkRow,
  checkSample,
  checkSecret,
  checkSessionWarehouse,
  keyOf,
  milliseconds,
  no,
  notMade,
  readAnyKey,
  yes,
} from './check-rules.ts';
import type { Warehouse } from './learning-time.ts';
import type { WarehouseNames } from './query.ts';
import { changeTokenFailureRemedy, loginRemedy, statementRemedy } from './remedies.ts';
import type { SnowflakeSecret } from './snowflake-secret-schema.ts';

export interface InspectWarehouseServices {
  /** @throws SecretUnavailable, SecretUnusable */
  readSecret(): Promise<DatedSecret<SnowflakeSecret>>;
  openInspector(secret: SnowflakeSecret): WarehouseInspector;
  /** The pipeline's warehouse adapter, with that secret. */
  openWarehouse(secret: SnowflakeSecret): Warehouse;
  readonly names: WarehouseNames;
  /** The wall clock, in milliseconds. */
  now(): number;
  /** A monotonic clock, in milliseconds. */
  elapsed(): number;
  /** For all checks except the secret. */
  readonly deadlineMs?: number;
  /** For each step. */
  readonly stepMs?: number;
}

type Note = (check: WarehouseCheck) => void;

/** Within the function's timeout of 60 s, of which the secret takes up to 3 s. */
const DEADLINE_MS = 45_000;

/** A login, or resuming a suspended warehouse, takes seconds. */
const STEP_MS = 20_000;

/**
 * Runs all possible checks in order. Faults are reported, not thrown, and so are checks that were impossible because an
 * earlier one failed.
 */
export async function inspectWarehouse(
  input: unknown,
  services: InspectWarehouseServices,
): Promise<CheckWarehouseReport> {
  const request = checkWarehouseRequestSchema.safeParse(input);
  const sample = request.success ? request.data.sample : undefined;
  const made = new Map<WarehouseCheckName, WarehouseCheck>();
  await makeChecks(sample, services, (check) => made.set(check.check, check));
  if (!request.success) {
    const fault = `the request does not fit: ${faultsOf(request.error, 'request')}`;
    made.set('sample', no('sample', fault, 'command and stage of the same version'));
  }
  const names = WAREHOUSE_CHECKS.filter((name) => name !== 'sample' || sample !== undefined || made.has(name));
  let blocker: WarehouseCheckName | undefined;
  const checks = names.map((name) => {
    const check = made.get(name) ?? notMade(name, `not made, because of ${blocker}`);
    if (check.verdict === 'no') blocker = name;
    return check;
  });
  return { checks };
}

/** Returns early if no further check is possible. */
async function makeChecks(
  sample: readonly KnownSum[] | undefined,
  services: InspectWarehouseServices,
  note: Note,
): Promise<void> {
  const { names, now, elapsed, deadlineMs = DEADLINE_MS, stepMs = STEP_MS } = services;
  const endsAt = elapsed() + deadlineMs;
  const limit = () => Math.max(1, Math.round(Math.min(stepMs, endsAt - elapsed())));
  const secret = await readSecret(services, note);
  if (secret === undefined) return;
  note(checkSecret(secret, now()));
  const inspector = services.openInspector(secret.value);
  try {
    if (!(await logIn(inspector, names, limit(), note))) return;
    const hasWarehouse = await checkContext(inspector, names, limit(), note);
    if (hasWarehouse === undefined) return;
    if (!(await checkTable(inspector, names, limit(), note)) || !hasWarehouse) return;
    if (!(await readRow(inspector, names, limit, note))) return;
    note(await readChanges(inspector, names, limit()));
    if (sample === undefined) return;
    note(await compare(sample, services.openWarehouse(secret.value), limit(), elapsed));
  } finally {
    inspector.close();
  }
}

async function readSecret(services: InspectWarehouseServices, note: Note) {
  try {
    return await services.readSecret();
  } catch (thrown) {
    const reason = thrown instanceof PipelineError ? thrown.message : errorName(thrown);
    note(no('secret', reason, 'docs/how-to/connect-snowflake.md, step 5'));
    return undefined;
  }
}

async function logIn(inspector: WarehouseInspector, names: WarehouseNames, limitMs: number, note: Note) {
  const step = await inspector.logIn(limitMs);
  if (step.ok) {
    const { sdkMs } = step.value;
    // The SDK is loaded once per execution environment.
    const loading = sdkMs < 1 ? '' : `, after ${milliseconds(sdkMs)} for loading the SDK`;
    note(yes('login', `${milliseconds(step.ms - sdkMs)}${loading}`));
  } else note(no('login', step.failure.reason, loginRemedy(step.failure, names)));
  return step.ok;
}

/** @returns whether the session has a warehouse; undefined if it is no longer usable */
async function checkContext(inspector: WarehouseInspector, names: WarehouseNames, limitMs: number, note: Note) {
  const step = await inspector.context(limitMs);
  if (step.ok) {
    note(checkRole(step.value.role, names));
    note(checkSessionWarehouse(step.value.warehouse, names));
    return step.value.warehouse !== null;
  }
  note(failed('role', step, names));
  return undefined;
}

/** Whether the table can be read and has the columns. */
async function checkTable(inspector: WarehouseInspector, names: WarehouseNames, limitMs: number, note: Note) {
  const step = await inspector.columns(limitMs);
  if (!step.ok) {
    note(failed('table', step, names));
    return false;
  }
  note(yes('table', `${names.table} can be read (${milliseconds(step.ms)})`));
  const columns = checkColumns(step.value, names);
  note(columns);
  return columns.verdict === 'yes';
}

/** @returns whether the table can still be queried */
async function readRow(inspector: WarehouseInspector, names: WarehouseNames, limit: () => number, note: Note) {
  const some = await inspector.anyKey(limit());
  if (!some.ok) {
    note(failed('row', some, names));
    return some.failure.kind === 'statement';
  }
  const key = readAnyKey(some.value, names);
  if ('check' in key) {
    note(key);
    return true;
  }
  const rows = await inspector.rowsOf(key, limit());
  note(rows.ok ? checkRow(key, rows.value, rows.ms, names) : failed('row', rows, names));
  return rows.ok || rows.failure.kind === 'statement';
}

/** `WarmCache` reads the token every 15 minutes, without a warehouse that would have to start for it. */
async function readChanges(inspector: WarehouseInspector, names: WarehouseNames, limitMs: number) {
  const step = await inspector.changeToken(limitMs);
  if (step.ok) return checkChanges(step.value, step.ms, names);
  return no('changes', step.failure.reason, changeTokenFailureRemedy(step.failure, names));
}

async function compare(sample: readonly KnownSum[], warehouse: Warehouse, limitMs: number, elapsed: () => number) {
  const startedAt = elapsed();
  try {
    const results = await warehouse.query(sample.map(keyOf), limitMs);
    return checkSample(sample, results, elapsed() - startedAt);
  } catch (thrown) {
    const reason = thrown instanceof PipelineError ? thrown.message : errorName(thrown);
    return no(
      'sample',
      reason,
      'run it again; if it fails again, use a larger warehouse, or one that is not suspended',
    );
  }
}

function failed(check: WarehouseCheckName, step: Inspected<unknown> & { ok: false }, names: WarehouseNames) {
  return no(check, step.failure.reason, statementRemedy(step.failure, names));
}
