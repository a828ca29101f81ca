import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { isGenuine } from '../../docs/partner/verify.ts';
import type { DecidedEnrichment } from '../../lambdas/events/delivery.ts';
import { EVENT_TYPES, KINDS, kindNamed } from '../../lambdas/events/event-types/event-types.ts';
import { lead } from '../../lambdas/events/event-types/lead/lead.ts';
import { createTokenSource } from '../../lambdas/partners/oauth-tokens.ts';
import { composePayload } from '../../lambdas/partners/payload.ts';
import {
  definitionOfFormat,
  PAYLOAD_FORMATS,
  type PayloadFormat,
} from '../../lambdas/partners/payload-formats/payload-formats.ts';
import { retryPolicyOf } from '../../lambdas/partners/retry-policy.ts';
import type { SendResult, WebhookRequest } from '../../lambdas/partners/webhook-sender.ts';
import { ENRICHED, integration, NOT_ENRICHED, subject } from '../support/factories.ts';
import { blocksOf } from './guide-steps.ts';

const ROOT = join(import.meta.dirname, '../..');
const guide = readFileSync(join(ROOT, 'docs/partner-guide.md'), 'utf8');
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

const blocks = blocksOf(guide);

const json = blocks.filter(({ language }) => language === 'json').map(({ code }) => JSON.parse(code));

/** The block that is shown after a paragraph with these words. */
function shownAfter(words: string): string {
  const block = blocks.find(({ before }) => before.includes(words));
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

  test('the example to check one’s own code with is right', () => {
    const known = rows('Verifying the signature').map((cells) => cells.map((cell) => cell.replaceAll('`', '')));
    const { secret = '', body = '', ...headers } = Object.fromEntries(known);
    expect(isGenuine([secret], headers, Buffer.from(body), Number(headers['webhook-timestamp']))).toBe(true);
  });
});

describe('examples of payloads', () => {
  const compose = (format: PayloadFormat, payload: object, enrichment: DecidedEnrichment = ENRICHED) => {
    const receiver = integration({ payload_format: format });
    const composed = composePayload(subject({ payload: JSON.stringify(payload) }), enrichment, receiver);
    return 'body' in composed ? JSON.parse(composed.body) : composed;
  };
  const shown = new Map(PAYLOAD_FORMATS.map((format, index) => [format, json[index]]));

  test('stand in the order of the formats, each under its name', () => {
    const named = blocks
      .filter(({ language }) => language === 'json')
      .map(({ before }) => /^\*\*`(\w+)`\*\*/.exec(before)?.[1]);
    expect(named.slice(0, PAYLOAD_FORMATS.length)).toEqual(PAYLOAD_FORMATS);
  });

  test.each(PAYLOAD_FORMATS)('%s fits its schema', (format) => {
    expect(definitionOfFormat(format).schema.safeParse(shown.get(format)).error).toBeUndefined();
  });

  test.each([
    ['learning_time_object', { learning_time: undefined }],
    ['completion_field', { completion: { ...shown.get('completion_field').completion, learning_time: undefined } }],
    ['percipio', { duration_spent: undefined }],
  ] as const)('%s is what the pipeline makes of the LMS’s payload', (format, without) => {
    const published = JSON.parse(JSON.stringify({ ...shown.get(format), ...without }));
    expect(compose(format, published)).toEqual(shown.get(format));
    expect(compose(format, published, NOT_ENRICHED)).toEqual(published);
    expect(published).not.toEqual(shown.get(format));
  });

  test('the token request is the one that is sent', async () => {
    const sent: WebhookRequest[] = [];
    const sender = {
      async send(request: WebhookRequest): Promise<SendResult> {
        sent.push(request);
        return { kind: 'failed', code: 'TIMEOUT' };
      },
    };
    const usual = { request: 'json', authentication: 'body', scope: 'api' } as const;
    const client = { ...usual, tokenUrl: 'https://a.example/token', clientId: '…', clientSecret: '…' };
    await createTokenSource({ sender }).token(client, 1000);
    expect(JSON.parse(sent[0]?.body ?? '')).toEqual(JSON.parse(shownAfter('this to your token URL')));
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
  });
});

test.each([
  ['event-type', EVENT_TYPES],
  ['payload-format', PAYLOAD_FORMATS],
] as const)('the header %s has the values that the guide lists', (name, values) => {
  const [, meaning = ''] = rows('What arrives').find(([header]) => header === `\`${name}\``) ?? [];
  expect([...meaning.matchAll(/`(\w+)`/g)].map(([, value]) => value)).toEqual([...values]);
});

describe('leads in the guide', () => {
  const example = shownAfter('Three fields are always there').trim();
  const policyOf = (type: string, timeoutSeconds = 15) =>
    retryPolicyOf(integration({ timeout_seconds: timeoutSeconds }), `lead.${type}`);

  test('arrive byte for byte, in every format, even if learning time were known', () => {
    expect(lead.payload.safeParse(JSON.parse(example)).success).toBe(true);
    for (const format of PAYLOAD_FORMATS) {
      const receiver = integration({ payload_format: format });
      const event = subject({ payload: example, event_type: 'lead' });
      expect(composePayload(event, ENRICHED, receiver)).toEqual({ body: example });
    }
  });

  test('have the attempts and the waits that the table says', () => {
    const table = rows('Leads').map(([type = '', , tries, waits]) => ({
      type: type.replaceAll('`', ''),
      timeoutsMs: Number(tries),
      delaysMs: waits?.split(', ').map((wait) => Number(/^(\d+) s$/.exec(wait)?.[1]) * 1000),
    }));
    // The guide may lack a newer type: the pipeline is deployed first.
    expect(table.map(({ type }) => type)).toEqual(expect.arrayContaining(['hot', 'calculated', 'cold']));
    const expected = table.map(({ type }) => {
      const { timeoutsMs, delaysMs } = policyOf(type);
      return { type, timeoutsMs: timeoutsMs.length, delaysMs };
    });
    expect(table).toEqual(expected);
  });
});
