import type { InspectionFailure } from './check.ts';
import type { WarehouseNames } from './query.ts';

const THE_SECRET = 'docs/how-to/connect-snowflake.md, step 5';
const NETWORK = 'run it again; if it fails again: is Snowflake up, and are account and access_url in the secret right?';

/** How to fix a failed login, by the codes of docs/deploy/troubleshooting.md. */
export function loginRemedy({ kind, code, reason }: InspectionFailure, { role }: WarehouseNames): string {
  switch (code) {
    case '390144':
      return 'the key is not the user’s, or account or user in the secret is another: compare fingerprints, docs/how-to/connect-snowflake.md, steps 1 and 2';
    case '390100':
      return `user or password is wrong; Snowflake locks a user after a few of them: a key pair is the rule, ${THE_SECRET}`;
    case '390189':
      return `GRANT ROLE ${role} TO USER the secret’s; or another role in lib/stage.ts`;
    case '390422':
      return 'put every address of the output EgressAddresses into the user’s network policy, docs/how-to/connect-snowflake.md, step 3';
  }
  if (reason.includes('ENOTFOUND') || /HTTP 40[34]/.test(reason)) {
    return `no such account: account in the secret is wrong, ${THE_SECRET}`;
  }
  if (kind === 'unreachable') return NETWORK;
  return `Snowflake refuses: account, user and key of the secret, ${THE_SECRET}`;
}

/** How to fix a failed statement. */
export function statementRemedy({ kind, code }: InspectionFailure, names: WarehouseNames): string {
  if (kind !== 'statement') return NETWORK;
  switch (code) {
    case '000606':
      return warehouseRemedy(names);
    // "Does not exist or not authorized": Snowflake does not distinguish them.
    case '002003':
    case '002043':
      return `does it exist? the role needs: ${grantsFor(names)}`;
    case '000630':
    case '000604':
      return 'the statement was cancelled before it returned: use a larger warehouse, or one that is not suspended';
    default:
      return `the table or its view cannot be read; the role needs: ${grantsFor(names)}`;
  }
}

/** How to fix a change token that could not be read, although the login and the other queries work. */
export function changeTokenFailureRemedy(failure: InspectionFailure, names: WarehouseNames): string {
  const { kind, code } = failure;
  if (kind !== 'statement') return NETWORK;
  // "Does not exist or not authorized".
  if (code === '002003' || code === '002043') {
    const parts = names.table.split('.');
    const database = parts.length === 3 ? `DATABASE ${parts[0]}` : 'its DATABASE';
    return `the role needs: ${grantsFor(names)}; in a shared database: GRANT IMPORTED PRIVILEGES ON ${database} TO ROLE ${names.role}`;
  }
  return changeTokenRemedy();
}

/** For a table without a change token. */
export function changeTokenRemedy(): string {
  return 'SYSTEM$LAST_CHANGE_COMMIT_TIME answers for tables and views of tables: let a task copy the rows into a table, and put its name into lib/stage.ts; until then WarmCache stays off';
}

/** For a session without the stage's warehouse. */
export function warehouseRemedy({ warehouse, role }: WarehouseNames): string {
  return `does it exist? GRANT USAGE ON WAREHOUSE ${warehouse} TO ROLE ${role}`;
}

/** All grants that reading the table requires, as statements. */
export function grantsFor({ warehouse, role, table }: WarehouseNames): string {
  const parts = table.split('.');
  const schema = parts.slice(0, -1).join('.');
  const grants = [
    `USAGE ON WAREHOUSE ${warehouse}`,
    parts.length === 3 ? `USAGE ON DATABASE ${parts[0]}` : 'USAGE ON its DATABASE',
    parts.length > 1 ? `USAGE ON SCHEMA ${schema}` : 'USAGE ON its SCHEMA',
    `SELECT ON TABLE ${table}`,
  ];
  return grants.map((grant) => `GRANT ${grant} TO ROLE ${role}`).join('; ');
}
