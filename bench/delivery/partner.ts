import { createServer } from 'node:https';
import { TEST_ONLY_CERTIFICATE, TEST_ONLY_KEY } from '../../test/support/test-only-certificate.ts';
import { answerServerOrders, listen } from '../worker.ts';

/** A partner: responds to every request with 200, `PARTNER_DELAY_MS` after its end; 0: at once. */
export interface PartnerUse {
  readonly requests: number;
}

const delayMs = Number(process.env.PARTNER_DELAY_MS);
let requests = 0;
const server = createServer({ cert: TEST_ONLY_CERTIFICATE, key: TEST_ONLY_KEY }, (request, response) => {
  request.resume().once('end', () => {
    requests += 1;
    if (delayMs === 0) response.end();
    else setTimeout(() => response.end(), delayMs);
  });
});
answerServerOrders<PartnerUse>(await listen(server), () => ({ requests }));
