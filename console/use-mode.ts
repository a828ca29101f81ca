/// <reference lib="dom" />
import { applyMode, Mode } from '@cloudscape-design/global-styles';
import { useEffect, useState } from 'react';

const KEY = 'mode';

/** Light or dark: as the system is set, until the operator chooses. The choice holds for this browser. */
export function useMode(): { readonly isDark: boolean; toggle(): void } {
  const [isDark, setIsDark] = useState(() => {
    const chosen = localStorage.getItem(KEY);
    return chosen === null ? matchMedia('(prefers-color-scheme: dark)').matches : chosen === Mode.Dark;
  });
  useEffect(() => applyMode(isDark ? Mode.Dark : Mode.Light), [isDark]);
  return {
    isDark,
    toggle() {
      localStorage.setItem(KEY, isDark ? Mode.Light : Mode.Dark);
      setIsDark(!isDark);
    },
  };
}
