import type { IncomingHttpHeaders } from 'node:http';

/** A request to one of the platform's services, as the service received it. */
export interface AwsCall {
  /** The access key that the request is signed with. A function's is its name, an operator's is `local`. */
  readonly accessKeyId: string;
  /** `AmazonSQS.SendMessage` if the protocol has such a name; else method and path, `GET /configuration`. */
  readonly operation: string;
  /** Empty if the request has none. */
  readonly body: Readonly<Record<string, unknown>>;
}

export type OnCall = (call: AwsCall) => void;

/** @param operation for a protocol that does not name it in `X-Amz-Target` */
export function awsCall(headers: IncomingHttpHeaders, body: unknown, operation = ''): AwsCall {
  return {
    accessKeyId: /Credential=([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? '',
    operation: String(headers['x-amz-target'] ?? operation),
    body: (body ?? {}) as AwsCall['body'],
  };
}
