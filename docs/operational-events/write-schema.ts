import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { operationalEventSchema } from '../../lambdas/events/operational-event.ts';

/** Writes `schema.json` from the schemas of the code: `node docs/operational-events/write-schema.ts`. */
writeFileSync(join(import.meta.dirname, 'schema.json'), `${JSON.stringify(operationalEventSchema(), null, 2)}\n`);
