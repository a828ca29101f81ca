import { describe, expect, test } from '@jest/globals';
import { MAX_QUEUE_TRY_SECONDS } from '../../lambdas/contract/integration.ts';
import { findStage, STAGE_NAMES } from '../../lib/stage.ts';

describe('findStage', () => {
  test.each([undefined, 'prod', '', 'LOCAL', 7, null, {}])('refuses %p in one line that lists the stages', (name) => {
    expect(() => findStage(name)).toThrow(/^[^\n]*choose one with -c stage=local or -c stage=dev$/);
  });

  test('local is nobody’s account, and may be plain; dev is neither', () => {
    expect(findStage('local')).toMatchObject({
      env: { account: '000000000000' },
      allowPlainHttp: true,
      cacheTls: false,
    });
    expect(findStage('dev')).toMatchObject({ allowPlainHttp: false, cacheTls: true });
    expect(findStage('dev')).not.toHaveProperty('env');
  });
});

describe.each(STAGE_NAMES)('timeouts of %s fit each other', (name) => {
  const { functions } = findStage(name);
  const seconds = (fn: keyof typeof functions) => functions[fn].timeoutSeconds;

  test('a partner’s try, then the function, then the state', () => {
    expect(MAX_QUEUE_TRY_SECONDS).toBeLessThan(seconds('deliverBatch'));
    expect(300).toBeLessThan(seconds('deliverTask'));
  });

  test('the warehouse’s deadline, 10 s in a batch and 30 s in a task, then the function', () => {
    expect(10).toBeLessThan(seconds('enrichBatch'));
    expect(30).toBeLessThan(seconds('enrichTask'));
  });
});
