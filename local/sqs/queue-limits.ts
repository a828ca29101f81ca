import type { MessageAttributeValue } from '@aws-sdk/client-sqs';
import type { buildApp } from 'fauxqs';
import { AwsError } from '../control-plane/aws-error.ts';
import { isMessageText } from './fauxqs.ts';

/**
 * Limits of SQS that `fauxqs` (2.4) lacks. Limits and codes are from the API reference (SendMessage, SendMessageBatch,
 * MessageAttributeValue) and the developer guide ("Amazon SQS message metadata"); texts are from reports of AWS clients.
 */

/** One message, of a request or of a batch. */
interface Entry {
  readonly Id?: unknown;
  readonly MessageBody?: unknown;
  readonly DelaySeconds?: unknown;
  readonly MessageGroupId?: unknown;
  readonly MessageDeduplicationId?: unknown;
  readonly MessageAttributes?: Readonly<Record<string, MessageAttributeValue>>;
}

interface Request extends Entry {
  Entries?: Entry[];
  MessageAttributeNames?: string[];
}

/** A rejected entry of a batch, in the shape of SQS's response. */
interface FailedEntry {
  readonly Id: unknown;
  readonly SenderFault: true;
  readonly Code: string;
  readonly Message: string;
}

const MAX_DELAY_SECONDS = 900;
const MAX_ATTRIBUTES = 10;
const MAX_NAME_CHARACTERS = 256;
const MAX_ENTRY_ID_CHARACTERS = 80;
const MAX_ENTRIES = 10;

/** 1-128 alphanumeric characters and punctuation. */
const GROUP_ID = /^[!-~]{1,128}$/;
const ATTRIBUTE_NAME = /^(?!\.)(?!.*\.\.)(?!.*\.$)[\p{L}\p{N}_.-]+$/u;
const RESERVED_NAME = /^(aws|amazon)\./i;
const DATA_TYPE = /^(String|Number|Binary)(\.|$)/;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Codes without the prefix `AWS.SimpleQueueService.`, which the server adds to all codes. */
const PLAIN_CODE = /(?<=#)(InvalidParameterValue|MissingParameter|InvalidMessageContents)$/;

/** Adds SQS's limits to a server; hooks that are added later see accepted requests only. */
export function enforceLimits(app: ReturnType<typeof buildApp>): void {
  const failedEntries = new WeakMap<object, readonly FailedEntry[]>();
  app.addHook('preHandler', async (request, reply) => {
    const target = request.headers['x-amz-target'];
    if (typeof target !== 'string') return undefined;
    reply.header('content-type', 'application/x-amz-json-1.0');
    try {
      const failed = applyLimits(target, request.body);
      failedEntries.set(request, failed);
      const { Entries = [] } = (request.body ?? {}) as Request;
      if (failed.length > 0 && Entries.length === 0) return reply.send({ Successful: [] });
    } catch (thrown) {
      if (!(thrown instanceof AwsError)) throw thrown;
      return reply.code(thrown.statusCode).send(sqsError(thrown));
    }
    return undefined;
  });
  app.addHook('preSerialization', async (request, reply, content) => {
    const failed = failedEntries.get(request) ?? [];
    const { Failed = [], __type = '' } = content as { Failed?: FailedEntry[]; __type?: string };
    const [code] = PLAIN_CODE.exec(__type) ?? [];
    if (code !== undefined) reply.header('x-amzn-query-error', `${code};Sender`);
    return failed.length === 0 ? content : { ...(content as object), Failed: [...failed, ...Failed] };
  });
}

/**
 * Applies SQS's limits to a request; invalid entries of a batch are removed from it.
 *
 * @param target its header `x-amz-target`
 * @returns the removed entries @throws AwsError if the whole request is rejected
 */
function applyLimits(target: string, body: unknown): readonly FailedEntry[] {
  const request = (body ?? {}) as Request;
  switch (target) {
    case 'AmazonSQS.SendMessage':
      checkMessage(request);
      return [];
    case 'AmazonSQS.SendMessageBatch':
      for (const [index, { MessageBody }] of entriesOf(request).entries()) {
        if (!MessageBody) throw missing(`SendMessageBatchRequestEntry.${index + 1}.MessageBody`);
      }
      return removeInvalid(request);
    case 'AmazonSQS.ReceiveMessage':
      // SQS returns requested attributes only; the server returns all if none is requested.
      if ((request.MessageAttributeNames ?? []).length === 0) request.MessageAttributeNames = [''];
      return [];
    default:
      return [];
  }
}

/** Empty for a batch that the server rejects as a whole, by its size or duplicate ids. */
function entriesOf({ Entries = [] }: Request): readonly Entry[] {
  const ids = new Set(Entries.map(({ Id }) => Id));
  return Entries.length > MAX_ENTRIES || ids.size < Entries.length ? [] : Entries;
}

/** Removes the entries that SQS rejects from a batch. @returns their entries in the response */
function removeInvalid(request: Request): readonly FailedEntry[] {
  const failed: FailedEntry[] = [];
  const valid = entriesOf(request).filter((entry) => {
    const { Id } = entry;
    // The server checks the characters only.
    if (String(Id).length > MAX_ENTRY_ID_CHARACTERS) {
      const rule = 'can only contain alphanumeric characters, hyphens and underscores, at most 80 in all';
      throw new AwsError('InvalidBatchEntryId', 400, `A batch entry id ${rule}.`);
    }
    try {
      checkMessage(entry);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof AwsError)) throw thrown;
      failed.push({ Id, SenderFault: true, Code: thrown.name, Message: thrown.message });
      return false;
    }
  });
  if (failed.length > 0) request.Entries = valid;
  return failed;
}

function checkMessage(entry: Entry): void {
  const { DelaySeconds: delay = 0, MessageGroupId: group, MessageDeduplicationId: deduplication } = entry;
  if (!Number.isInteger(delay) || Number(delay) < 0 || Number(delay) > MAX_DELAY_SECONDS) {
    throw invalidValue(delay, 'DelaySeconds', `DelaySeconds must be >= 0 and <= ${MAX_DELAY_SECONDS}.`);
  }
  if (deduplication !== undefined) {
    const reason = 'The request include parameter that is not valid for this queue type.';
    throw invalidValue(deduplication, 'MessageDeduplicationId', reason);
  }
  if (group !== undefined && !GROUP_ID.test(String(group))) {
    const reason = 'MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.';
    throw invalidValue(group, 'MessageGroupId', reason);
  }
  const attributes = Object.entries(entry.MessageAttributes ?? {});
  if (attributes.length > MAX_ATTRIBUTES) {
    const counted = `Number of message attributes [${attributes.length}]`;
    throw invalid(`${counted} exceeds the allowed maximum [${MAX_ATTRIBUTES}].`);
  }
  for (const [name, value] of attributes) checkAttribute(name, value);
}

function checkAttribute(name: string, { DataType = '', StringValue = '', BinaryValue }: MessageAttributeValue): void {
  if ([...name].length > MAX_NAME_CHARACTERS) {
    throw invalid(`Message (user) attribute names must be at most ${MAX_NAME_CHARACTERS} characters.`);
  }
  if (RESERVED_NAME.test(name)) {
    throw invalid(`Message (user) attribute name '${name}' begins with AWS. or Amazon., which are reserved.`);
  }
  if (!ATTRIBUTE_NAME.test(name)) throw invalid(`Message (user) attribute name '${name}' is invalid.`);
  const [, type] = DATA_TYPE.exec(DataType) ?? [];
  if (type === undefined || DataType.length > MAX_NAME_CHARACTERS) {
    throw invalid(`The message attribute '${name}' has an invalid message attribute type '${DataType}'.`);
  }
  // Binary values are base64 text.
  const value = type === 'Binary' ? String(BinaryValue ?? '') : StringValue;
  if (value === '') throw invalid(`The message attribute '${name}' must contain a non-empty value of type '${type}'.`);
  if (!isMessageText(StringValue)) {
    throw invalid(`The message attribute '${name}' has characters that are not allowed in a message.`);
  }
  if (type === 'Number' && !DECIMAL.test(StringValue)) {
    throw invalid(`Can't cast the value of message attribute '${name}' to a number.`);
  }
}

function invalidValue(value: unknown, name: string, reason: string): AwsError {
  return invalid(`Value ${String(value)} for parameter ${name} is invalid. Reason: ${reason}`);
}

export function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValue', 400, message);
}

export function missing(parameter: string): AwsError {
  return new AwsError('MissingParameter', 400, `The request must contain the parameter ${parameter}.`);
}

/** The body of an error response. */
export function sqsError({ name, message }: AwsError): object {
  return { __type: `com.amazonaws.sqs#${name}`, message };
}
