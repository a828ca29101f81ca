import Link from '@cloudscape-design/components/link';
import type { ReactNode } from 'react';
import { useConsole } from '../../console-context.ts';

/** A link to another address of the page. */
export function PageLink({ to, children }: { readonly to: string; readonly children: ReactNode }): ReactNode {
  const { navigate } = useConsole();
  return (
    <Link
      href={to}
      onFollow={(event) => {
        event.preventDefault();
        navigate(to);
      }}
    >
      {children}
    </Link>
  );
}
