import { createContext, createElement, type ReactNode, useContext, useMemo, useSyncExternalStore } from 'react';
import { createFeatureFlagsStore, type FeatureFlagsStore, NOTHING_KNOWN } from './feature-flags-store.ts';
import type { FeatureStatusClient, FeatureStatusError, Features } from './feature-status-client.ts';

const StoreContext = createContext<FeatureFlagsStore | undefined>(undefined);

export interface FeatureFlagsProviderProps {
  /** Make it once, outside of what renders: another client asks anew. */
  readonly client: FeatureStatusClient;
  /** Whose state it is; without one, the general state. */
  readonly enterpriseCustomerUuid?: string;
  readonly userId?: string;
  /** How often it is asked for, in milliseconds; 30 s where nothing is said, 0 for never. */
  readonly refreshMs?: number;
  readonly children?: ReactNode;
}

/** Asks the status API once for all hooks below it. Somebody else's features are never shown: another id begins anew. */
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
  /** False while nothing is known, and of a feature that nobody knows. */
  isEnabled(name: string): boolean;
  /** The last good answer; empty before the first. */
  readonly features: Features;
  /** Until the first answer, or the first error. */
  readonly isLoading: boolean;
  /** Why the newest request failed; `features` are those of before. */
  readonly error: FeatureStatusError | undefined;
  /** Asks now. Never rejects: a failure is in `error`. */
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

/** A server renders before anything is asked. */
function nothingKnown() {
  return NOTHING_KNOWN;
}
