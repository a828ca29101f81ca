import { createContext, createElement, type ReactNode, useContext, useMemo, useSyncExternalStore } from 'react';
import { createFeatureFlagsStore, type FeatureFlagsStore, NOTHING_KNOWN } from './feature-flags-store.ts';
import type { FeatureStatusClient, FeatureStatusError, Features } from './feature-status-client.ts';

const StoreContext = createContext<FeatureFlagsStore | undefined>(undefined);

export interface FeatureFlagsProviderProps {
  /** Create it once, outside of components: a new client starts without state. */
  readonly client: FeatureStatusClient;
  /** Whose state it is; without one, the general state. */
  readonly enterpriseCustomerUuid?: string;
  readonly userId?: string;
  /** Poll interval in milliseconds; 30 s by default, 0 for never. */
  readonly refreshMs?: number;
  readonly children?: ReactNode;
}

/** Polls the status API once for all hooks below it. Another id starts without state, so no other's features are shown. */
export function FeatureFlagsProvider(props: FeatureFlagsProviderProps): ReactNode {
  const { client, enterpriseCustomerUuid, userId, refreshMs, children } = props;
  const store = useMemo(() => {
    const whom = {
      ...(enterpriseCustomerUuid !== undefined && { enterpriseCustomerUuid }),
      ...(userId !== undefined && { userId }),
    };
    return createFeatureFlagsStore({ client, whom, ...(refreshMs !== undefined && { refreshMs }) });
  }, [client, enterpriseCustomerUuid, userId, refreshMs]);
  return createElement(StoreContext.Provider, { value: store }, children);
}

export interface FeatureFlags {
  /** False before the first response, and for an unknown feature. */
  isEnabled(name: string): boolean;
  /** The last good response; empty before the first. */
  readonly features: Features;
  /** True until the first response or error. */
  readonly isLoading: boolean;
  /** Why the newest request failed; `features` are those of before. */
  readonly error: FeatureStatusError | undefined;
  /** Sends a request now. Never rejects: a failure is in `error`. */
  refresh(): Promise<void>;
}

/** All features of whom the provider names. @throws Error outside of a FeatureFlagsProvider */
export function useFeatureFlags(): FeatureFlags {
  const store = useStore();
  const snapshot = useSyncExternalStore(store.subscribe, store.snapshot, nothingKnown);
  return useMemo(
    () => ({
      ...snapshot,
      isEnabled: (name) => snapshot.features[name]?.enabled === true,
      refresh: store.refresh,
    }),
    [snapshot, store],
  );
}

/** Whether one feature is enabled; false while nothing is known. @throws Error outside of a FeatureFlagsProvider */
export function useFeatureFlag(name: string): boolean {
  return useFeatureFlags().isEnabled(name);
}

function useStore(): FeatureFlagsStore {
  const store = useContext(StoreContext);
  if (store === undefined) throw new Error('useFeatureFlags needs a FeatureFlagsProvider above it');
  return store;
}

/** Servers render before the first request. */
function nothingKnown() {
  return NOTHING_KNOWN;
}
