import { readState, stateFile } from '../../local/control/state-file.ts';
import type { Context } from '../shared/context.ts';
import type { Stage } from '../shared/stage.ts';

/**
 * Opens the console's stage once, and keeps its clients. The local platform is asked each time: it may have been started
 * again, elsewhere, and its clock may have skipped time.
 *
 * @throws what `openStage` throws, in each call
 */
export function createStageOpener(name: string, { openStage }: Pick<Context, 'openStage'>): () => Promise<Stage> {
  let opened: { readonly key: string; readonly stage: Promise<Stage> } | undefined;
  return async () => {
    const { key, clockOffsetMs } = name === 'local' ? localKey() : { key: name, clockOffsetMs: 0 };
    if (opened?.key !== key) {
      opened?.stage.then(
        (before) => before.close(),
        () => undefined,
      );
      opened = { key, stage: openStage(name) };
    }
    const { stage } = opened;
    try {
      return { ...(await stage), clockOffsetMs };
    } catch (thrown) {
      if (opened?.stage === stage) opened = undefined;
      throw thrown;
    }
  };
}

/** What changes when another platform runs. One that does not run has no key: opening it says so. */
function localKey(): { readonly key: string; readonly clockOffsetMs: number } {
  try {
    const { pid, endpoints, clock_offset_ms: clockOffsetMs } = readState(stateFile());
    return { key: JSON.stringify([pid, endpoints]), clockOffsetMs };
  } catch {
    return { key: 'none', clockOffsetMs: 0 };
  }
}
