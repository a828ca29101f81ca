import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import type { ReactNode } from 'react';
import { Failure } from '../components/failure.tsx';
import { useCall } from '../use-call.ts';

/** What an operator looks at first. */
export function OverviewPage(): ReactNode {
  const { result, error, reload } = useCall('overview', {}, { everyMs: 10_000 });
  return (
    <ContentLayout header={<Header variant="h1">Overview</Header>}>
      {error !== undefined && <Failure error={error} onRetry={reload} />}
      {result !== undefined && `${result.alarms.in_alarm.length} of ${result.alarms.total} alarms in ALARM`}
    </ContentLayout>
  );
}
