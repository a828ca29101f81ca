import { expect, test } from '@jest/globals';
import { readTraceparent, traceIdOf, traceparentSchema } from '../../lambdas/events/trace-context.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT_ID = '00f067aa0ba902b7';
const VALID = `00-${TRACE_ID}-${PARENT_ID}-01`;

/** The cases of the recommendation, sections 3.2.2 and 4.3. */
test.each<[unknown, string | undefined]>([
  [VALID, VALID],
  [VALID.replace(/01$/, '00'), VALID.replace(/01$/, '00')],
  // Flags of level 2 are passed on.
  [VALID.replace(/01$/, '03'), VALID.replace(/01$/, '03')],
  // A later version: its ids and `sampled`, as version 00.
  [`01-${TRACE_ID}-${PARENT_ID}-01`, VALID],
  [`cc-${TRACE_ID}-${PARENT_ID}-fe-anything at all`, VALID.replace(/01$/, '00')],
  [`01-${TRACE_ID}-${PARENT_ID}-01.more`, undefined],
  [`01-${'0'.repeat(32)}-${PARENT_ID}-01`, undefined],
  [`${VALID}-more`, undefined],
  [`ff-${TRACE_ID}-${PARENT_ID}-01`, undefined],
  [`00-${'0'.repeat(32)}-${PARENT_ID}-01`, undefined],
  [`00-${TRACE_ID}-${'0'.repeat(16)}-01`, undefined],
  [VALID.toUpperCase(), undefined],
  [`00-${TRACE_ID}-${PARENT_ID}-1`, undefined],
  [`00-${TRACE_ID.slice(1)}-${PARENT_ID}-01`, undefined],
  [`00-${TRACE_ID}.${PARENT_ID}-01`, undefined],
  [` ${VALID}`, undefined],
  [`${VALID}\n`, undefined],
  ['', undefined],
  [7, undefined],
  [{ traceparent: VALID }, undefined],
  [null, undefined],
])('a traceparent of %j is read as %j', (value, read) => {
  expect(readTraceparent(value)).toBe(read);
  if (read === undefined) return;
  expect(traceparentSchema.parse(read)).toBe(read);
  expect(traceIdOf(read)).toBe(TRACE_ID);
});
