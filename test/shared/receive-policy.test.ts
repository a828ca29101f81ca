import { expect, test } from '@jest/globals';
import { MAX_RETRY_MS, SUSPECT_VISIBILITY_SECONDS } from '../../lambdas/shared/receive-policy.ts';

// `batch-intake.test.ts` tests the policy.
test('SQS does not move a message to its dead letter queue first: four fast receives, then one every 15 minutes', () => {
  const receives = 4 + MAX_RETRY_MS / (SUSPECT_VISIBILITY_SECONDS * 1000);
  expect(receives).toBeLessThan(1000);
});
