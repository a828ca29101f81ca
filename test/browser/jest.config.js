import base from '../../jest.config.js';

/** `npm run browser`: the console's pages in Chromium. */
export default {
  ...base,
  rootDir: '../..',
  testPathIgnorePatterns: ['/node_modules/'],
  testMatch: ['<rootDir>/test/browser/**/*.test.ts'],
};
