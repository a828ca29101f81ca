import { readFileSync } from 'node:fs';
import * as z from 'zod';
import * as byHand from '../../docs/partner/verify.ts';
import * as withLibrary from '../../docs/partner/verify-with-library.ts';

/** A request as the demo's partners keep it, with the secret that its partner verifies with. */
const receiptSchema = z.object({
  headers: z.record(z.string(), z.string()),
  body: z.string(),
  /** ISO 8601. */
  received_at: z.iso.datetime(),
  signing_secret: z.string(),
});
export type Receipt = z.infer<typeof receiptSchema>;

/** What both ways of the partner guide say of a receipt, at the time when it arrived. */
export function check({ headers, body, received_at, signing_secret }: Receipt) {
  const bytes = Buffer.from(body);
  const receivedAtMs = Date.parse(received_at);
  const realNow = Date.now;
  // The library asks no one but its own clock.
  Date.now = () => receivedAtMs;
  try {
    return {
      byHand: byHand.isGenuine([signing_secret], headers, bytes, receivedAtMs / 1000),
      withLibrary: withLibrary.isGenuine([signing_secret], headers, bytes),
    };
  } finally {
    Date.now = realNow;
  }
}

/**
 * Verifies a file of receipts (`npm run demo -- --receipts FILE`): `npx node test/conformance/verify-receipts.ts FILE`.
 *
 * @returns whether there are receipts, and all are genuine both ways
 */
function main(path: string): boolean {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  const receipts = lines.map((line) => receiptSchema.parse(JSON.parse(line)));
  let genuine = 0;
  for (const receipt of receipts) {
    const checked = check(receipt);
    if (checked.byHand && checked.withLibrary) genuine += 1;
    const id = receipt.headers['webhook-id'];
    console.log(`${id} by hand: ${checked.byHand}, with the library: ${checked.withLibrary}`);
  }
  console.log(`${genuine} of ${receipts.length} genuine`);
  return receipts.length > 0 && genuine === receipts.length;
}

if (import.meta.main) process.exitCode = main(process.argv[2] ?? '') ? 0 : 1;
