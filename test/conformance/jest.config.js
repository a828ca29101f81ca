import base from '../../jest.config.js';

/** `npm run conformance`: what needs programs that npm does not install. */
export default {
  ...base,
  rootDir: '../..',
  testPathIgnorePatterns: ['/node_modules/'],
  testMatch: ['<rootDir>/test/conformance/**/*.test.ts'],
};
