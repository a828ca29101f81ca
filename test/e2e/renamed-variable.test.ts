import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { output } from '../../local/demo/operator.ts';
import { completion, LEARNER } from '../../local/demo/sample-events.ts';
import { startWorld } from '../../local/demo/world.ts';
import { LOCAL_ASSEMBLY, LOCAL_STACK } from '../../local/synthesize.ts';

const directory = mkdtempSync(join(tmpdir(), 'renamed-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The local assembly with a variable of every function renamed in the template alone. */
function assemblyWithout(variable: string): string {
  cpSync(LOCAL_ASSEMBLY, directory, { recursive: true, filter: (path) => !path.includes('asset.') });
  const { files } = JSON.parse(readFileSync(join(LOCAL_ASSEMBLY, `${LOCAL_STACK}.assets.json`), 'utf8'));
  for (const { source } of Object.values<{ source: { path: string } }>(files)) {
    if (source.path.startsWith('asset.')) symlinkSync(join(LOCAL_ASSEMBLY, source.path), join(directory, source.path));
  }
  const file = join(directory, `${LOCAL_STACK}.template.json`);
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(`"${variable}":`, `"${variable}_RENAMED":`));
  return directory;
}

test('a variable renamed in the stack only: the function says which, and the event stays in its queue', async () => {
  const world = await startWorld({ assemblyDirectory: assemblyWithout('CACHE_HOST') });
  try {
    await world.publish([JSON.stringify(completion('unread', 'skillsoft', LEARNER.known))]);
    const thrown = await world.until('the function threw', () => world.thrown()[0]);

    expect(thrown).toMatch(/^enrich-batch: EnvironmentInvalid: .*CACHE_HOST: /);
    expect(world.partner.receipts).toEqual([]);
    const { ready, inflight } = await world.platform.queues.content(output(world.platform, 'EventsQueueUrl'));
    expect([...ready, ...inflight]).toHaveLength(1);
  } finally {
    await world.stop();
  }
});
