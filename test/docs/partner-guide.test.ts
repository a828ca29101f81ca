import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { isGenuine } from '../../docs/partner/verify.ts';
import { createTokenSource } from '../../lambdas/adapters/oauth-tokens.ts';
import type { SettledEnrichment } from '../../lambdas/contract/delivery.ts';
import {
  type SendResult,
  USUAL_KEPT_ANSWER_BYTES,
  type WebhookRequest,
} from '../../lambdas/contract/delivery-ports.ts';
import { MAX_EVENT_BYTES } from '../../lambdas/contract/event.ts';
import { KINDS, kindNamed } from '../../lambdas/contract/event-types/event-types.ts';
import { lead } from '../../lambdas/contract/event-types/lead/lead.ts';
import { integrationSchema, PAYLOAD_FORMATS, type PayloadFormat } from '../../lambdas/contract/integration.ts';
import { MIN_LEASE_SECONDS } from '../../lambdas/contract/ledger.ts';
import { LONGEST_PARKING_MS } from '../../lambdas/domain/balance.ts';
import { credentialsOf } from '../../lambdas/domain/credentials.ts';
import { FAILURES_TO_OPEN, GONE_MS, OPEN_MS } from '../../lambdas/domain/gate-limits.ts';
import { classify } from '../../lambdas/domain/outcome.ts';
import { composePayload } from '../../lambdas/domain/payload.ts';
import { MAX_RETRY_AFTER_MS, retryAfterMs } from '../../lambdas/domain/retry-after.ts';
import { onceMoreAt, retryPolicyOf, totalWaitMs } from '../../lambdas/domain/retry-policy.ts';
import { JITTER } from '../../lambdas/domain/retry-timing.ts';
import { SLEEPS_MS } from '../../lambdas/domain/sleep.ts';
import { testPayload } from '../../lambdas/domain/test-event.ts';
import { findStage } from '../../lib/stage.ts';
import { ENRICHED, integration, PLAIN } from '../support/factories.ts';

const ROOT = join(import.meta.dirname, '../..');
const guide = readFileSync(join(ROOT, 'docs/partner-guide.md'), 'utf8');
/** With paragraphs in one line each, to find sentences in. */
const prose = guide.replaceAll(/\n(?=\S)/g, ' ');

function section(heading: string): string {
  const start = guide.indexOf(`\n## ${heading}\n`);
  if (start < 0) throw new Error(`the guide has no section ${heading}`);
  const end = guide.indexOf('\n## ', start + 1);
  return guide.slice(start, end < 0 ? undefined : end);
}

/** Rows of a section's tables, without their headings: cells, trimmed. */
function rows(heading: string): string[][] {
  const lines = section(heading).split('\n');
  return lines
    .filter((line, index) => line.startsWith('| ') && !/^\| -/.test(line) && !/^\| -/.test(lines[index + 1] ?? ''))
    .map((line) => line.slice(1, -1).split('|'))
    .map((cells) => cells.map((cell) => cell.trim()));
}

interface Block {
  readonly language: string;
  readonly code: string;
  /** The paragraph before it. */
  readonly before: string;
}

const blocks: readonly Block[] = [...guide.matchAll(/([^\n]*(?:\n[^\n]+)*)\n\n```(\w+)\n(.*?)^```$/gms)].map(
  ([, before = '', language = '', code = '']) => ({ language, code, before: before.trim() }),
);

const json = blocks.filter(({ language }) => language === 'json').map(({ code }) => JSON.parse(code));

/** The block that is shown after a paragraph with these words. */
function shownAfter(words: string): string {
  const block = blocks.find(({ before }) => before.replaceAll('\n', ' ').includes(words));
  if (block === undefined) throw new Error(`the guide shows nothing after: ${words}`);
  return block.code;
}

describe('code in the guide', () => {
  const code = blocks.filter(({ language }) => language === 'ts' || language === 'python');

  test('is part of the file that is named before it', () => {
    const files = code.map(({ before }) => /\(partner\/([\w.-]+)\):$/.exec(before)?.[1]);
    expect(files).toEqual(['verify.ts', 'verify.py', 'decrypt.ts', 'decrypt.py']);
    for (const [index, file] of files.entries()) {
      expect(readFileSync(join(ROOT, 'docs/partner', String(file)), 'utf8')).toContain(code[index]?.code);
    }
  });

  test('is all the code there is: every other block is an example or the notice', () => {
    expect([...guide.matchAll(/^```(\w+)$/gm)].map(([, language]) => language)).toEqual(
      blocks.map(({ language }) => language),
    );
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(['json', 'ts', 'python', 'text']));
  });

  test('and everything it links to exists', () => {
    for (const [, file] of guide.matchAll(/\]\((partner\/[^)]*)\)/g)) {
      expect({ file, exists: existsSync(join(ROOT, 'docs', String(file))) }).toEqual({ file, exists: true });
    }
    const anchors = [...guide.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
      title.toLowerCase().replaceAll(/[^\w -]/g, ''),
    );
    for (const [, anchor = ''] of guide.matchAll(/\]\(#([^)]*)\)/g)) {
      expect(anchors.map((title) => title.replaceAll(' ', '-'))).toContain(anchor);
    }
  });

  test('the example to check one’s own code with is right', () => {
    const known = rows('Verifying the signature').map((cells) => cells.map((cell) => cell.replaceAll('`', '')));
    const { secret = '', body = '', ...headers } = Object.fromEntries(known);
    expect(isGenuine([secret], headers, Buffer.from(body), Number(headers['webhook-timestamp']))).toBe(true);
  });
});

describe('examples of payloads', () => {
  const compose = (format: PayloadFormat, payload: object, enrichment: SettledEnrichment = ENRICHED) => {
    const receiver = integration({ payload_format: format });
    const eventType = 'course_completion';
    const composed = composePayload({ payload: JSON.stringify(payload), eventType, enrichment, integration: receiver });
    return 'body' in composed ? JSON.parse(composed.body) : composed;
  };
  const shown = new Map(PAYLOAD_FORMATS.map((format, index) => [format, json[index]]));
  const withoutLearningTime: Record<PayloadFormat, object> = {
    learning_time_object: { ...shown.get('learning_time_object'), learning_time: undefined },
    completion_field: {
      ...shown.get('completion_field'),
      completion: { ...shown.get('completion_field').completion, learning_time: undefined },
    },
    percipio: { ...shown.get('percipio'), duration_spent: undefined },
  };

  test('stand in the order of the formats, each under its name', () => {
    const named = blocks
      .filter(({ language }) => language === 'json')
      .map(({ before }) => /^\*\*`(\w+)`\*\*/.exec(before)?.[1]);
    expect(named.slice(0, PAYLOAD_FORMATS.length)).toEqual(PAYLOAD_FORMATS);
    expect(section('Payloads')).toContain('**`learning_time_object`**, the usual one');
    expect(integrationSchema.parse({ id: 'a', url: 'https://a.example' }).payload_format).toBe('learning_time_object');
  });

  test.each([...PAYLOAD_FORMATS])('%s is what the pipeline makes of the LMS’s payload', (format) => {
    expect(compose(format, withoutLearningTime[format])).toEqual(shown.get(format));
    const without = JSON.parse(JSON.stringify(withoutLearningTime[format]));
    expect(compose(format, withoutLearningTime[format], PLAIN)).toEqual(without);
    expect(without).not.toEqual(shown.get(format));
  });

  test('a known 0 is sent as 0', () => {
    const zero = { ...ENRICHED, total_seconds: 0 };
    expect(compose('learning_time_object', withoutLearningTime.learning_time_object, zero).learning_time).toMatchObject(
      {
        total_seconds: 0,
      },
    );
    expect(compose('completion_field', withoutLearningTime.completion_field, zero).completion.learning_time).toBe(0);
    expect(compose('percipio', withoutLearningTime.percipio, zero).duration_spent).toBe(0);
  });

  test.each([...PAYLOAD_FORMATS])('an enrollment stays as it was written (%s)', (format) => {
    const payload = '{ "user": {"id": 1.0}, "enrollment": {"mode": "verified"} }';
    const receiver = integration({ payload_format: format });
    const parts = { payload, eventType: 'course_enrollment', enrichment: ENRICHED, integration: receiver } as const;
    expect(composePayload(parts)).toEqual({ body: payload });
  });

  test('the connection test is told apart as the guide says', () => {
    for (const format of PAYLOAD_FORMATS) {
      const payload = JSON.parse(testPayload(format, '2026-01-15T12:00:00.000Z'));
      expect(payload.test).toBe(true);
      expect([0, '00000000-0000-0000-0000-000000000000']).toContain(payload.user.id ?? payload.user);
    }
    expect(prose).toContain(`the first ${USUAL_KEPT_ANSWER_BYTES / 1024} KiB of your answer`);
  });

  test('a body fits what receivers are told to let in, however much of it is encrypted', () => {
    const encrypted = (MAX_EVENT_BYTES * 4) / 3;
    expect(prose).toContain(
      `at most about ${MAX_EVENT_BYTES / 1024} KiB, with encrypted fields 280 KiB. Let 512 KiB in`,
    );
    expect(encrypted).toBeLessThan(280 * 1024);
  });

  test('the token request is the one that is sent', async () => {
    const sent: WebhookRequest[] = [];
    const sender = {
      async send(request: WebhookRequest): Promise<SendResult> {
        sent.push(request);
        return { kind: 'failed', code: 'TIMEOUT' };
      },
    };
    const client = { tokenUrl: 'https://a.example/token', scope: 'api', clientId: '…', clientSecret: '…' };
    await createTokenSource({ sender }).token(client, 1000);
    expect(JSON.parse(sent[0]?.body ?? '')).toEqual(JSON.parse(shownAfter('this to your token URL')));
  });
});

test.each([
  ['none', { auth: { type: 'none' } }, []],
  ['bearer', { auth: { type: 'bearer' } }, ['Authorization: Bearer <token>']],
  ['API key', { auth: { type: 'api_key' } }, ['X-API-Key: <key>']],
  ['fixed headers, besides', { headers: [{ name: 'Tenant', value: '1' }] }, ['Tenant: 1']],
])('authentication in the guide: %s', (kind, entry, expected) => {
  const secret = { signing_secrets: [], bearer_token: '<token>', api_key: '<key>' };
  const credentials = credentialsOf(integration(entry), secret);
  const sent =
    'headers' in credentials ? Object.entries(credentials.headers).map((pair) => pair.join(': ')) : credentials;
  expect(sent).toEqual(expected);
  const told = rows('Your endpoint')
    .find(([name]) => name === kind)
    ?.at(-1);
  expect(told).toBeDefined();
  if (kind === 'bearer' || kind === 'API key') expect(told).toContain(`\`${expected[0]}\``);
});

describe('answers in the guide', () => {
  const actions = {
    'it is delivered': 'delivered',
    'we give up': 'dead',
    'we read your secret and credentials anew': 'unauthorized',
    'we try again': 'retry',
    'we stop sending': 'gone',
  } as const;
  const told = rows('Answering').map(([answer = '', what = '']) => {
    const found = Object.entries(actions).find(([words]) => what.startsWith(words));
    return { answer, verdict: found?.[1] };
  });

  function toldOf(status: number) {
    const exact = told.find(({ answer }) => new RegExp(`(^|, )${status}(,|$)`).test(answer));
    const byClass = told.find(({ answer }) => new RegExp(`(^|, )${String(status)[0]}xx(,|$)`).test(answer));
    const other = status < 500 ? told.find(({ answer }) => answer === `any other ${String(status)[0]}xx`) : undefined;
    return (exact ?? byClass ?? other)?.verdict;
  }

  test('mean for every status what the pipeline does', () => {
    const statuses = Array.from({ length: 400 }, (_, index) => 200 + index);
    const verdicts = statuses.map((status) => [status, classify({ kind: 'answered', status }).verdict]);
    expect(statuses.map((status) => [status, toldOf(status)])).toEqual(verdicts);
  });

  test('mean for failures without an answer what the pipeline does', () => {
    const verdictOf = (code: string) => classify({ kind: 'failed', code }).verdict;
    const toldOfRow = (start: string) => told.find(({ answer }) => answer.startsWith(start))?.verdict;
    expect(told.slice(-3).map(({ answer }) => answer)).toEqual([
      'none in time, connection refused or reset, host not found',
      'certificate not valid, TLS below 1.2, no cipher in common, a certificate asked of us, address or port not allowed',
      'no HTTP: plain HTTP or another protocol on the TLS port, HTTP/2 only, a status that is none',
    ]);
    for (const code of ['TIMEOUT', 'ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND'])
      expect(verdictOf(code)).toBe(toldOfRow('none in'));
    const lasting = [
      'CERT_HAS_EXPIRED',
      'ERR_SSL_UNSUPPORTED_PROTOCOL',
      'ERR_SSL_SSL_TLS_ALERT_HANDSHAKE_FAILURE',
      'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
      'FORBIDDEN_ADDRESS',
      'FORBIDDEN_PORT',
    ];
    for (const code of lasting) expect(verdictOf(code)).toBe(toldOfRow('certificate'));
    const noHttp = [
      'ERR_SSL_WRONG_VERSION_NUMBER',
      'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
      'MALFORMED_RESPONSE',
    ];
    for (const code of noHttp) expect(verdictOf(code)).toBe(toldOfRow('no HTTP'));
  });

  test('may say Retry-After in both forms, for an hour at the most', () => {
    const date = /`(\w{3}, [^`]* GMT)`/.exec(guide)?.[1];
    expect(retryAfterMs(date, Date.parse('2026-10-21T07:00:00Z'))).toBe(28 * 60_000);
    expect(retryAfterMs('100000', 0)).toBe(MAX_RETRY_AFTER_MS);
    expect(MAX_RETRY_AFTER_MS).toBe(60 * 60_000);
    expect(prose).toContain('for an hour at the most. It makes a wait longer, never shorter');
  });
});

describe('times in the guide', () => {
  const usual = retryPolicyOf(integration(), 'course_completion');

  /** `5 m 7 s` in milliseconds. */
  function milliseconds(text = ''): number {
    const units = { s: 1000, m: 60_000, h: 3_600_000 };
    return [...text.matchAll(/(\d+) ([smh])/g)].reduce((sum, [, n, unit]) => sum + Number(n) * units[unit as 's'], 0);
  }

  test('of retries are the usual policy’s, for every kind of event that has none of its own', () => {
    let sinceFirstMs = 0;
    const expected = usual.delaysMs.map((delayMs, index) => {
      sinceFirstMs += delayMs;
      return [index + 2, delayMs, sinceFirstMs];
    });
    const table = rows('Retries, repeats, order').map(([attempt, after, since]) => [
      Number(attempt),
      milliseconds(after),
      milliseconds(since),
    ]);
    expect(table).toEqual(expected);
    const usualKinds = KINDS.filter((kind) => kindNamed(kind).policy === undefined);
    expect(usualKinds).toEqual(expect.arrayContaining(['course_completion', 'course_enrollment']));
    for (const kind of usualKinds) expect(retryPolicyOf(integration(), kind)).toEqual(usual);
    const hours = (totalWaitMs(usual) / 3_600_000).toFixed(1);
    expect(prose).toContain(`tried ten times in ${hours} hours. Each wait is up to ${JITTER * 100}% shorter or longer`);
    expect(usual.timeoutsMs).toHaveLength(10);
  });

  test('of a try grow by thirds, and are 5 s at least', () => {
    expect(prose).toContain(
      '(5 to 300, usually 15), the first one a third of it and the second two thirds, and each 5 seconds at least',
    );
    const timeoutsOf = (seconds: number) =>
      retryPolicyOf(integration({ timeout_seconds: seconds }), 'course_completion').timeoutsMs.slice(0, 4);
    expect(timeoutsOf(300)).toEqual([100_000, 200_000, 300_000, 300_000]);
    expect(timeoutsOf(6)).toEqual([5000, 5000, 6000, 6000]);
    expect(integration().timeout_seconds).toBe(15);
    for (const wrong of [4, 301]) expect(() => integration({ timeout_seconds: wrong })).toThrow();
  });

  test('of a pause are the gate’s', () => {
    expect(prose).toContain(`After ${FAILURES_TO_OPEN} failures in a row we stop sending to you`);
    expect(prose).toContain(`at most one every ${OPEN_MS / 1000} seconds`);
    expect(prose).toContain('About once an hour a single webhook finds out');
    expect(GONE_MS).toBe(3_600_000);
    const aboutAnHourMs = SLEEPS_MS.reduce((sum, sleepMs) => sum + sleepMs, 0);
    expect(aboutAnHourMs / 3_600_000).toBeCloseTo(1, 0);
    expect(LONGEST_PARKING_MS / 86_400_000).toBe(3);
    expect(prose).toContain('for three days at the most; then they are set aside');
    expect(prose).toContain('after an outage of more than an hour');
    expect(prose).toContain(`${MIN_LEASE_SECONDS} seconds later or more`);
  });

  test('ports and schemes are the deployed stages’', () => {
    for (const name of ['dev', 'staging', 'prod'] as const) {
      const { allowedPorts, allowPlainHttp } = findStage(name).partners;
      expect(allowPlainHttp).toBe(false);
      expect(prose).toContain(`on port ${[allowedPorts].flat().join(' or ')}`);
    }
  });
});

describe('leads in the guide', () => {
  const example = shownAfter('Three fields are always there').trim();
  const policyOf = (type: string, timeoutSeconds = 15) =>
    retryPolicyOf(integration({ timeout_seconds: timeoutSeconds }), `lead.${type}`);

  test('arrive byte for byte, in every format, even if learning time were known', () => {
    expect(lead.payload.safeParse(JSON.parse(example)).success).toBe(true);
    for (const format of PAYLOAD_FORMATS) {
      const receiver = integration({ payload_format: format });
      const parts = { payload: example, eventType: 'lead', enrichment: ENRICHED, integration: receiver } as const;
      expect(composePayload(parts)).toEqual({ body: example });
    }
  });

  test('are tried as often, and after such waits, as the table says', () => {
    const table = rows('Leads').map(([type = '', when = '', tries, waits, failed = '']) => ({
      type: type.replaceAll('`', ''),
      waitsFirst: when !== 'at once',
      timeoutsMs: Number(tries),
      delaysMs: waits?.split(', ').map((wait) => Number(/^(\d+) s$/.exec(wait)?.[1]) * 1000),
      isCritical: failed.includes('woken up'),
      hasSecondRound: failed.includes('once more'),
    }));
    // Others may not be told of yet: the pipeline comes first.
    expect(table.map(({ type }) => type)).toEqual(expect.arrayContaining(['hot', 'calculated', 'cold']));
    const expected = table.map(({ type }) => {
      const { timer, isCritical = false } = kindNamed(`lead.${type}`);
      const { timeoutsMs, delaysMs, onceMoreAfterMs } = policyOf(type);
      return {
        type,
        waitsFirst: timer !== undefined,
        timeoutsMs: timeoutsMs.length,
        delaysMs,
        isCritical,
        hasSecondRound: onceMoreAfterMs !== undefined,
      };
    });
    expect(table).toEqual(expected);
    expect(kindNamed('lead.calculated').timer).toEqual({ usualDelayMinutes: 60 });
  });

  test('begin anew within the time that the table says, after a refusal too', () => {
    const [least, most] = [0, 1].map((random) => onceMoreAt(policyOf('calculated'), 0, () => random)?.getTime());
    expect([least, most]).toEqual([120 * 60_000, 132 * 60_000]);
    expect(section('Leads')).toContain('once more from the beginning, 120 to 132 minutes later');
    expect(classify({ kind: 'answered', status: 404 }).verdict).toBe('dead');
  });

  test('have more time with each try', () => {
    expect(policyOf('calculated', 30).timeoutsMs).toEqual([10_000, 20_000, 30_000]);
    expect(policyOf('hot', 50).timeoutsMs).toEqual([10_000, 20_000, 30_000, 40_000, 50_000]);
    expect(policyOf('hot').timeoutsMs[0]).toBe(5000);
    expect(prose).toContain('of three the first has a third');
    expect(prose).toContain('by fifths; and each has 5 seconds at least');
  });
});

describe('the notice', () => {
  const notice = blocks.find(({ language }) => language === 'text')?.code ?? '';

  test('has a paragraph for each format, with the guide’s example of it', () => {
    for (const format of PAYLOAD_FORMATS) expect(notice).toContain(`\n<${format}>\n`);
    const [object, field, flat] = json;
    const quoted = [...notice.matchAll(/^ {2}("\w+": .*)$/gm)].map(([, line]) => JSON.parse(`{${line}}`));
    expect(quoted).toEqual([
      { learning_time: object.learning_time },
      { learning_time: field.completion.learning_time },
      { duration_spent: flat.duration_spent },
    ]);
  });
});
