import { lookup as dnsLookup } from 'node:dns';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { type AddressGuard, createAddressGuard } from '../../lambdas/partners/http/address-guard.ts';
import {
  forbiddenAddress,
  guardedLookup,
  type LookupAll,
  timePerAddressMs,
} from '../../lambdas/partners/http/guarded-lookup.ts';
import { createTargetFinder } from '../../lambdas/partners/http/target.ts';
import { failureCodeOf } from '../../lambdas/partners/response-outcome.ts';
import { sendTestEnvironment } from '../../lambdas/shared/environment.ts';
import { CommandFailed } from '../shared/failures.ts';
import type { Stage } from '../shared/stage.ts';

/** What came of a connection on which nothing was sent. */
export type Connected =
  | { readonly kind: 'tls'; readonly certificateEndsMs: number }
  | { readonly kind: 'plain' }
  /** Our own codes, and Node's: those of the sender. */
  | { readonly kind: 'failed'; readonly code: string };

/** Name, connection and certificate together, in milliseconds. */
const DEADLINE_MS = 5_000;

export interface ConnectOptions {
  readonly rules: PartnerRules;
  readonly deadlineMs?: number;
  readonly lookup?: LookupAll;
}

/**
 * Opens a connection as the stage's sender would, from this machine, and closes it: where a url leads is held to the same
 * rules, and a certificate to the same authorities. No request is made.
 *
 * @throws EnvironmentInvalid where the rules name something that is no network
 */
export async function connect(
  url: string,
  { rules, deadlineMs = DEADLINE_MS, lookup = dnsLookup }: ConnectOptions,
): Promise<Connected> {
  const isAllowed = createAddressGuard(rules.allowedCidrs);
  const target = createTargetFinder(rules, isAllowed)(url);
  if (typeof target === 'string') return { kind: 'failed', code: target };
  const { host, port, servername } = target.options;
  const where = {
    host,
    port,
    lookup: guardedLookup(isAllowed, lookup, Date.now),
    autoSelectFamilyAttemptTimeout: timePerAddressMs(deadlineMs),
  };
  if (target.protocol === 'http:') {
    const socket = net.connect(where);
    return settled(socket, isAllowed, deadlineMs, 'connect', () => ({ kind: 'plain' }));
  }
  const socket = tls.connect({ ...where, servername, minVersion: 'TLSv1.2', rejectUnauthorized: true });
  return settled(socket, isAllowed, deadlineMs, 'secureConnect', () => ({
    kind: 'tls',
    certificateEndsMs: Date.parse(socket.getPeerCertificate().valid_to),
  }));
}

/** @param event of the socket that means success */
function settled(
  socket: net.Socket,
  isAllowed: AddressGuard,
  deadlineMs: number,
  event: 'connect' | 'secureConnect',
  describe: () => Connected,
): Promise<Connected> {
  const { promise, resolve } = Promise.withResolvers<Connected>();
  const fail = (code: string) => resolve({ kind: 'failed', code });
  const timer = setTimeout(() => fail('TIMEOUT'), deadlineMs);
  socket.once('connect', () => {
    // The lookup has checked this; the check here does not depend on how Node connects.
    if (!isAllowed(socket.remoteAddress ?? '')) socket.destroy(forbiddenAddress());
  });
  socket.once(event, () => resolve(describe()));
  socket.on('error', (error) => fail(failureCodeOf(error, error.name)));
  socket.once('close', () => fail('CLOSED'));
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}

/** Which addresses of partners a stage permits. */
export interface PartnerRules {
  readonly allowPlainHttp: boolean;
  /** Networks that may be reached although they are not public, in CIDR notation. */
  readonly allowedCidrs: readonly string[];
  readonly allowedPorts: readonly number[] | 'any';
}

const settings = sendTestEnvironment.pick({ ALLOW_PLAIN_HTTP: true, ALLOWED_CIDRS: true, ALLOWED_PORTS: true });

/** The rules of the stage's own sender, read from the function SendTest. @throws CommandFailed */
export async function readPartnerRules(stage: Stage): Promise<PartnerRules> {
  const { Environment } = await stage.lambda.send(
    new GetFunctionConfigurationCommand({ FunctionName: stage.output('SendTestFunctionName') }),
  );
  const read = settings.safeParse(Environment?.Variables);
  if (!read.success) throw new CommandFailed('the function SendTest has settings that this version does not know');
  const { ALLOW_PLAIN_HTTP, ALLOWED_CIDRS, ALLOWED_PORTS } = read.data;
  return { allowPlainHttp: ALLOW_PLAIN_HTTP, allowedCidrs: ALLOWED_CIDRS, allowedPorts: ALLOWED_PORTS };
}
