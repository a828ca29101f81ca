/// <reference lib="dom" />
import { useEffect, useState } from 'react';
import type { Call } from './call.ts';

/** Asks the server which stage it was started for. */
export function useStageName(call: Call): { readonly stageName?: string; readonly error?: string } {
  const [state, setState] = useState<{ readonly stageName?: string; readonly error?: string }>({});
  useEffect(() => {
    call('stage', {}).then(
      ({ name }) => {
        document.title = `${name}: learning-time webhooks`;
        setState({ stageName: name });
      },
      (thrown: Error) => setState({ error: thrown.message }),
    );
  }, [call]);
  return state;
}
