/**
 * The runtime in a function's process: loads the bundled handler and handles invocations one at a time, like Lambda's Node.js
 * runtime. Arguments: the module's path, the export's name and the offset of `Date`. It does not change the environment.
 *
 * JavaScript, since stripping types would add 80 ms of CPU to every cold start.
 *
 * @import { FunctionError, Invocation, RuntimeMessage } from './function-messages.ts'
 */
import { pathToFileURL } from 'node:url';
import { moveDate } from '../clock/moved-date.js';

const [modulePath = '', exportName = '', clockOffsetMs = '0'] = process.argv.slice(2);
moveDate(Number(clockOffsetMs));

/** @type {(message: RuntimeMessage, then?: () => void) => void} */
function reply(message, then = () => {}) {
  process.send?.(message, then);
}

/** @type {(thrown: unknown) => FunctionError} */
function describe(thrown) {
  if (!Error.isError(thrown)) return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] };
  const { name, message, stack } = thrown;
  return { errorType: name || 'Error', errorMessage: message, trace: (stack ?? '').split('\n') };
}

/**
 * Lambda's context, without the callback-era members that `nodejs24.x` has dropped.
 *
 * @type {(invocation: Invocation) => object}
 */
function contextOf(invocation) {
  return {
    awsRequestId: invocation.requestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName: invocation.functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: invocation.functionArn,
    memoryLimitInMB: invocation.memoryLimitInMB,
    logGroupName: invocation.logGroupName,
    logStreamName: invocation.logStreamName,
    getRemainingTimeInMillis: () => Math.max(0, invocation.deadlineMs - Date.now()),
  };
}

/** @type {() => Promise<(event: unknown, context: object) => unknown>} */
async function loadHandler() {
  const loaded = await import(pathToFileURL(modulePath).href);
  if (typeof loaded[exportName] === 'function') return loaded[exportName];
  const missing = new Error(`${modulePath} exports no function ${exportName}`);
  missing.name = 'Runtime.HandlerNotFound';
  throw missing;
}

/** @type {(handler: (event: unknown, context: object) => unknown, invocation: Invocation) => Promise<void>} */
async function answer(handler, invocation) {
  moveDate(invocation.clockOffsetMs);
  try {
    const result = await handler(JSON.parse(invocation.payload), contextOf(invocation));
    reply({ type: 'result', payload: JSON.stringify(result ?? null) ?? 'null' });
  } catch (thrown) {
    const error = describe(thrown);
    // Lambda's runtime also logs errors that a handler throws.
    console.error(`Invoke Error\t${JSON.stringify(error)}`);
    reply({ type: 'error', error });
  }
}

// Ends with the platform, even if that is killed.
process.on('disconnect', () => process.exit(0));
process.on('unhandledRejection', (reason) => {
  const error = { ...describe(reason), errorType: 'Runtime.UnhandledPromiseRejection' };
  reply({ type: 'error', error, exiting: true }, () => process.exit(128));
});

try {
  const handler = await loadHandler();
  process.on('message', (/** @type {any} */ invocation) => void answer(handler, invocation));
  reply({ type: 'ready' });
} catch (thrown) {
  reply({ type: 'error', error: describe(thrown), exiting: true }, () => process.exit(1));
}
