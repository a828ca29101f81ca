import fc from 'fast-check';

const { TEST_SEED = '20260105' } = process.env;

/** Property tests choose the same values in every run. `TEST_SEED=7 npm test` chooses others; a failure prints its seed. */
if (!/^-?\d{1,9}$/.test(TEST_SEED))
  throw new Error(`TEST_SEED is a whole number of at most 9 digits, not ${TEST_SEED}`);
fc.configureGlobal({ seed: Number(TEST_SEED) });
