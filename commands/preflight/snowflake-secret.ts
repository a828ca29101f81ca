import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { parseSecretText, secretFaultOf, secretTextOf } from '../../lambdas/shared/secret-text.ts';
import { snowflakeSecretSchema } from '../../lambdas/warehouse/snowflake-secret.ts';
import { OLD_CREDENTIAL_DAYS } from '../../lambdas/warehouse/snowflake-secret-schema.ts';
import { counted } from '../shared/format.ts';
import type { Stage } from '../shared/stage.ts';
import { type Check, noted } from './check.ts';
import { type Finding, no, yes } from './finding.ts';

const DAY_MS = 86_400_000;

const NEW_KEY = 'openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out snowflake_key_2.p8';

const WHAT = 'secret of Snowflake';

/** The secret as it is stored. */
export interface StoredText {
  /** Undefined where it has no value yet, or is about to be deleted. */
  readonly text: string | undefined;
  /** When this version was written, in epoch milliseconds. */
  readonly writtenAtMs: number;
  readonly isBeingDeleted: boolean;
}

/** What to do, by its fault. */
export interface SnowflakeRemedies {
  readonly fill: string;
  readonly restore: string;
  readonly rotate: string;
}

export const snowflakeSecret: Check = {
  what: WHAT,
  async run({ stage, nowMs }) {
    const name = stage.output('SnowflakeSecretName');
    return [judgeSnowflakeSecret(await readText(stage, name), nowMs, remedies(stage, name))];
  },
};

async function readText(stage: Stage, name: string): Promise<StoredText> {
  try {
    const response = await stage.secretsManager.send(new GetSecretValueCommand({ SecretId: name }));
    return { text: secretTextOf(response), writtenAtMs: response.CreatedDate?.getTime() ?? 0, isBeingDeleted: false };
  } catch (thrown) {
    const { name: error } = thrown as Error;
    if (error !== 'ResourceNotFoundException' && error !== 'InvalidRequestException') throw thrown;
    return { text: undefined, writtenAtMs: 0, isBeingDeleted: error === 'InvalidRequestException' };
  }
}

function remedies(stage: Stage, name: string): SnowflakeRemedies {
  const words = `put-secret-value --secret-id ${name} --secret-string file://snowflake-secret.json`;
  return {
    fill: noted(stage.awsCli('secretsmanager', words), 'docs/how-to/connect-snowflake.md, step 5, writes the file'),
    restore: stage.awsCli('secretsmanager', `restore-secret --secret-id ${name}`),
    rotate: noted(`(umask 077; ${NEW_KEY})`, 'begins a rotation: docs/how-to/rotate-the-snowflake-key.md'),
  };
}

/** Filled, fit for the warehouse's adapter, its key readable, and not too old. The finding quotes nothing of it. */
export function judgeSnowflakeSecret(
  { text, writtenAtMs, isBeingDeleted }: StoredText,
  nowMs: number,
  { fill, restore, rotate }: SnowflakeRemedies,
): Finding {
  if (isBeingDeleted) return no(WHAT, 'is about to be deleted', restore);
  if (text === undefined) return no(WHAT, 'has no value yet', fill);
  const fault = faultOf(text);
  if (fault !== undefined) return no(WHAT, fault, fill);
  const days = Math.floor((nowMs - writtenAtMs) / DAY_MS);
  if (days > OLD_CREDENTIAL_DAYS) return no(WHAT, `is ${days} days old, over ${OLD_CREDENTIAL_DAYS}`, rotate);
  return yes(WHAT, `filled and well-formed, ${counted(days, 'day')} old`);
}

/** As the functions read it. */
function faultOf(text: string): string | undefined {
  const parsed = parseSecretText(text);
  if ('fault' in parsed) return parsed.fault;
  const { error } = snowflakeSecretSchema.safeParse(parsed.fields);
  return error === undefined ? undefined : secretFaultOf(error);
}
