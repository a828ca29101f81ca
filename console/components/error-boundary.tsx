import Alert from '@cloudscape-design/components/alert';
import { Component, type ReactNode } from 'react';
import { visibleText } from '../visible-text.ts';

/** Shows a fault of a page instead of an empty screen. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, { readonly error?: Error }> {
  override state: { readonly error?: Error } = {};

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <Alert type="error" header="This page has failed">
        {visibleText(error.message, 2000)}
      </Alert>
    );
  }
}
