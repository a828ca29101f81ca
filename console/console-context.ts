/// <reference lib="dom" />
import { createContext, useContext } from 'react';
import type { Call } from './call.ts';
import type { Hidden } from './use-address.ts';

/** What every part of the page works with. */
export interface ConsoleContext {
  readonly call: Call;
  /** The stage that the console was started for. */
  readonly stageName: string;
  /** Shows another address of the page, `/deliveries?state=dead`; `hidden` is kept out of it. */
  navigate(address: string, hidden?: Hidden): void;
}

const Context = createContext<ConsoleContext | undefined>(undefined);

export const ConsoleProvider = Context.Provider;

/** @throws Error outside of the page */
export function useConsole(): ConsoleContext {
  const context = useContext(Context);
  if (context === undefined) throw new Error('outside of ConsoleProvider');
  return context;
}
