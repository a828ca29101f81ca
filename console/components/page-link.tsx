import Link, { type LinkProps } from '@cloudscape-design/components/link';
import type { ReactNode } from 'react';
import { useConsole } from '../console-context.ts';

/** A link to another address of the page. A new tab can open it, too. */
export function PageLink({
  to,
  children,
  ...rest
}: Pick<LinkProps, 'fontSize' | 'variant' | 'ariaLabel'> & {
  readonly to: string;
  readonly children: ReactNode;
}): ReactNode {
  const { navigate } = useConsole();
  return (
    <Link
      {...rest}
      href={to}
      onFollow={(event) => {
        // The browser itself goes to a part of this page.
        if (to.startsWith('#')) return;
        event.preventDefault();
        navigate(to);
      }}
    >
      {children}
    </Link>
  );
}
