import { EXPECTED, faultOf } from './judge.ts';
import { type Asked, readOptions, USAGE, WrongOption } from './options.ts';
import type { SampleBody } from './sample-body.ts';
import { type Sample, samplesFor } from './samples.ts';
import { createSender, type KitResponse } from './send.ts';
import { testVector } from './test-vector.ts';

/** Where the kit prints. */
export interface Output {
  print(line: string): void;
  complain(line: string): void;
}

/** For `--list`, which signs nothing that is sent. */
const ANY_SECRET = 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

/**
 * The program of the file `partner-kit.mjs`.
 *
 * @param words what follows the name of the file
 * @param bodies the samples' bodies, which the pipeline's own code composed
 * @returns the exit code: 0, 1 if a response is not as expected, 2 if the command line is wrong
 */
export async function main(
  words: readonly string[],
  bodies: readonly SampleBody[],
  variables: Readonly<Record<string, string | undefined>>,
  { print, complain }: Output,
): Promise<number> {
  const formats = [...new Set(bodies.map(({ payloadFormat }) => payloadFormat))];
  try {
    const asked = readOptions(words, variables, formats);
    const chosen = (format: string | undefined) =>
      bodies.filter(({ payloadFormat }) => (format ?? payloadFormat) === payloadFormat) as [
        SampleBody,
        ...SampleBody[],
      ];
    switch (asked.action) {
      case 'help':
        print(USAGE.replace('FORMATS', formats.join(', ')));
        return 0;
      case 'vector':
        print(JSON.stringify(testVector(bodies[0]?.body ?? '{}', Date.now(), asked.secret), undefined, 2));
        return 0;
      case 'list':
        for (const { name, expects } of samplesFor(chosen(asked.format), { secrets: [ANY_SECRET], headers: {} })) {
          print(`${name}: expected ${EXPECTED[expects]}`);
        }
        return 0;
      case 'send':
        return await sendAll(asked, samplesFor(chosen(asked.format), asked.receiver), { print, complain });
    }
  } catch (thrown) {
    if (!(thrown instanceof WrongOption)) throw thrown;
    complain(thrown.message);
    return 2;
  }
}

async function sendAll(
  { url, timeoutMs, clientCertificate }: Extract<Asked, { action: 'send' }>,
  samples: readonly Sample[],
  output: Output,
): Promise<number> {
  const sender = createSender(url, timeoutMs, clientCertificate);
  const checks: string[] = [];
  let passed = 0;
  try {
    for (const [index, sample] of samples.entries()) {
      const responses: KitResponse[] = [];
      for (const request of sample.requests) responses.push(await sender.send(request(Date.now())));
      const [first] = responses;
      if (index === 0 && first !== undefined && 'failure' in first) {
        const certificate = url.protocol === 'https:' ? ', with a valid certificate' : '';
        output.complain(`${url.origin} cannot be reached (${first.failure}): is the receiver running${certificate}?`);
        return 1;
      }
      const fault = responses.map((response) => faultOf(sample, response)).find((one) => one !== undefined);
      const line = `${sample.name}: expected ${EXPECTED[sample.expects]}, received ${summary(responses)}`;
      output.print(fault === undefined ? `pass  ${line}` : `FAIL  ${line}: ${fault}`);
      if (fault !== undefined) continue;
      passed += 1;
      if (sample.check !== undefined) checks.push(`${sample.name}: ${sample.check}`);
    }
  } finally {
    sender.close();
  }
  output.print(`\n${passed} of ${samples.length} passed.`);
  if (checks.length > 0)
    output.print(['', 'Responses do not show this; check it in your store:', ...checks].join('\n  '));
  return passed === samples.length ? 0 : 1;
}

/** `204 (3 ms)`, of each response. */
function summary(responses: readonly KitResponse[]): string {
  const parts = responses.map((response, index) => {
    if ('failure' in response)
      return response.failure === 'TIMEOUT' ? 'nothing in time' : `nothing (${response.failure})`;
    const isNew = index > 0 && !response.isReused;
    return `${response.status} (${response.durationMs} ms${isNew ? ', new connection' : ''})`;
  });
  return parts.join(', ');
}
