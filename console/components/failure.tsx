import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import type { ReactNode } from 'react';
import { visibleText } from '../visible-text.ts';

/** Why a part of a page could not be read. @param onRetry reads it again */
export function Failure({ error, onRetry }: { readonly error: string; onRetry?(): void }): ReactNode {
  return (
    <Alert type="error" action={onRetry && <Button onClick={onRetry}>Try again</Button>}>
      {visibleText(error, 2000)}
    </Alert>
  );
}
