import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { parseArgs } from 'node:util';
import { HEADER_NAME, OWN_HEADER } from '../../../lambdas/partners/own-headers.ts';
import { isSigningSecret } from '../../../lambdas/partners/signature.ts';
import type { Receiver } from './samples.ts';
import type { ClientCertificate } from './send.ts';

/** What the command line asks for. */
export type Asked =
  | { readonly action: 'help' }
  | { readonly action: 'vector'; readonly secret: string | undefined }
  | { readonly action: 'list'; readonly format: string | undefined }
  | {
      readonly action: 'send';
      readonly url: URL;
      readonly receiver: Receiver;
      readonly format: string | undefined;
      readonly clientCertificate: ClientCertificate | undefined;
      /** Of each request, in milliseconds. */
      readonly timeoutMs: number;
    };

/** The command line is wrong; the message is one sentence. */
export class WrongOption extends Error {
  override readonly name = 'WrongOption';
}

export const USAGE = `Sends signed sample webhooks to a receiver, and checks its responses.

  node partner-kit.mjs --url URL --secret SECRET [options]

  --url URL         the receiver: https://…, or http:// on this machine
  --secret SECRET   the signing secret that the receiver verifies with, whsec_…; a second one during a rotation:
                    repeat the option. Without it, WEBHOOK_SECRET of the environment (separated by spaces)
  --format FORMAT   only samples in this payload format: FORMATS
  --header 'N: V'   a header that the receiver requires, such as an API key; repeatable
  --cert FILE       the client certificate that the receiver requires (PEM, with its chain), and
  --key FILE        its key (PEM)
  --timeout SECONDS of each request, 1 to 300 (15)
  --list            lists the samples and what is expected, and sends nothing
  --vector          prints a newly signed request as JSON, to check a verification with; with --secret, signed with it
  --help            this text

The samples look like real webhooks with invented learners: send them to a test system.
With a private certificate authority, set NODE_EXTRA_CA_CERTS to its file.

Exit codes: 0 all responses are as expected, 1 some are not or the receiver cannot be reached, 2 the command line is wrong.`;

const LOCAL_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

/**
 * @param words what follows the name of the file
 * @param formats the payload formats of the kit
 * @throws WrongOption
 */
export function readOptions(
  words: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
  formats: readonly string[],
): Asked {
  const values = parseWords(words);
  if (values.help) return { action: 'help' };
  const given = values.secret ?? variables.WEBHOOK_SECRET?.split(' ').filter(Boolean) ?? [];
  const [secret, ...furtherSecrets] = given;
  // The value is not repeated: it may be a real secret with a typing error.
  if (!given.every(isSigningSecret)) {
    throw new WrongOption('--secret must be whsec_ and the base64 of 24 to 64 bytes.');
  }
  const { format } = values;
  if (format !== undefined && !formats.includes(format)) {
    throw new WrongOption(`--format must be one of ${formats.join(', ')}.`);
  }
  if (values.vector) return { action: 'vector', secret };
  if (values.list) return { action: 'list', format };
  if (values.url === undefined) throw new WrongOption('Give the receiver with --url (--help shows all options).');
  if (secret === undefined) throw new WrongOption('Give the receiver’s signing secret with --secret.');
  return {
    action: 'send',
    url: readUrl(values.url),
    receiver: { secrets: [secret, ...furtherSecrets], headers: readHeaders(values.header ?? []) },
    clientCertificate: readClientCertificate(values.cert, values.key),
    format,
    timeoutMs: readTimeout(values.timeout ?? '15') * 1000,
  };
}

function parseWords(words: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        url: { type: 'string' },
        secret: { type: 'string', multiple: true },
        format: { type: 'string' },
        header: { type: 'string', multiple: true },
        cert: { type: 'string' },
        key: { type: 'string' },
        timeout: { type: 'string' },
        list: { type: 'boolean' },
        vector: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
    return values;
  } catch (thrown) {
    const [sentence = ''] = (thrown as Error).message.split('. ');
    throw new WrongOption(`${sentence.replace(/\.$/, '')} (--help shows all options).`);
  }
}

function readUrl(text: string): URL {
  if (!URL.canParse(text))
    throw new WrongOption('--url is no URL: it must be like https://hooks.example.com/learning.');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new WrongOption('--url must begin with https://.');
  if (url.protocol === 'http:' && !LOCAL_HOSTS.includes(url.hostname)) {
    throw new WrongOption('--url must begin with https://: http:// is for localhost only.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new WrongOption('--url must have no user name or password: give them with --header "Authorization: …".');
  }
  return url;
}

function readHeaders(texts: readonly string[]): Record<string, string> {
  const headers = texts.map((text) => {
    const [, name = '', value = ''] = /^([^:]*):\s*(.*)$/s.exec(text) ?? [];
    if (!HEADER_NAME.test(name) || !/^[!-~]([ -~]*[!-~])?$/.test(value)) {
      throw new WrongOption('--header must be a name, a colon and a value in visible ASCII.');
    }
    if (OWN_HEADER.test(name)) throw new WrongOption(`--header must not be ${name}, which the kit sets itself.`);
    return [name.toLowerCase(), value];
  });
  return Object.fromEntries(headers);
}

function readClientCertificate(
  certFile: string | undefined,
  keyFile: string | undefined,
): ClientCertificate | undefined {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) throw new WrongOption('--cert and --key belong together.');
  const pair = { cert: readPem('--cert', certFile), key: readPem('--key', keyFile) };
  try {
    createSecureContext(pair);
    return pair;
  } catch (thrown) {
    // OpenSSL names what is wrong, and repeats nothing of the key.
    throw new WrongOption(
      `--cert and --key are not a certificate and its key without a passphrase: ${reasonOf(thrown)}.`,
    );
  }
}

function readPem(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new WrongOption(`${option} cannot be read (${(thrown as NodeJS.ErrnoException).code}).`);
  }
}

function reasonOf(thrown: unknown): string {
  const { reason, message } = thrown as Error & { readonly reason?: string };
  return reason ?? message;
}

function readTimeout(text: string): number {
  const seconds = Number(text);
  if (/^\d{1,3}$/.test(text) && seconds >= 1 && seconds <= 300) return seconds;
  throw new WrongOption('--timeout must be whole seconds from 1 to 300.');
}
