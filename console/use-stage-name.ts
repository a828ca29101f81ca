/// <reference lib="dom" />
import { useCallback, useEffect, useState } from 'react';
import type { Call } from './call.ts';

interface StageName {
  readonly stageName?: string;
  readonly error?: string;
  /** Asks again. */
  reload(): void;
}

/** Asks the server which stage it was started for. */
export function useStageName(call: Call): StageName {
  const [state, setState] = useState<Omit<StageName, 'reload'>>({});
  const reload = useCallback(() => {
    call('stage', {}).then(
      ({ name }) => {
        document.title = `${name}: learning-time webhooks`;
        setState({ stageName: name });
      },
      (thrown: Error) => setState({ error: thrown.message }),
    );
  }, [call]);
  useEffect(reload, [reload]);
  return { ...state, reload };
}
