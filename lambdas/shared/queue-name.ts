/** The name of a queue, by which CloudWatch knows it: the last part of its URL. */
export function queueName(queueUrl: string): string {
  return queueUrl.slice(queueUrl.lastIndexOf('/') + 1);
}
