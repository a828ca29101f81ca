import { availableParallelism } from 'node:os';

export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  transform: { '\\.ts$': '<rootDir>/test/support/strip-types-transform.js' },
  setupFiles: ['<rootDir>/test/support/seed.ts'],
  // Ends a test that hangs; no test may depend on it. The demo takes 30 s on two idle cores, and many times that when other
  // processes use them.
  testTimeout: 300_000,
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // These need programs that npm does not install: npm run conformance, npm run browser.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/conformance/', '<rootDir>/test/browser/'],
  // Jest leaves one core free. End-to-end tests mostly wait: two at a time are served by two cores.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  testSequencer: '<rootDir>/test/support/end-to-end-first.js',
  modulePathIgnorePatterns: ['<rootDir>/cdk.out', '<rootDir>/.venv'],
  reporters: ['default', '<rootDir>/test/support/count-reporter.js'],
  // With --coverage only, as `npm run coverage` asks for: of the tests that call `lambdas/` in this process. V8 counts what
  // runs, with no instrumented code, and takes half as long again; what end-to-end tests run in processes of their own
  // would not count.
  coverageProvider: 'v8',
  collectCoverageFrom: ['lambdas/**/*.ts'],
  coverageReporters: [['text', { skipFull: true }]],
  coverageThreshold: { global: { statements: 90, branches: 90, functions: 90, lines: 90 } },
};
