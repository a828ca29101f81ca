/** The queue's name, as in CloudWatch's dimension `QueueName`: the last part of its URL. */
export function queueName(queueUrl: string): string {
  return queueUrl.slice(queueUrl.lastIndexOf('/') + 1);
}
