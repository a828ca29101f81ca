/** Whether Ctrl-C was pressed. */
export interface Interruption {
  isRequested(): boolean;
  /** From now on Ctrl-C ends the process at once, as it does everywhere else. */
  ignore(): void;
}

/** Notes the first Ctrl-C, so that what was begun is finished before the end. The second one ends the process at once. */
export function noteInterruption(): Interruption {
  let isRequested = false;
  const note = () => {
    isRequested = true;
  };
  process.once('SIGINT', note);
  return { isRequested: () => isRequested, ignore: () => void process.off('SIGINT', note) };
}
