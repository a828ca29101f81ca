import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type ReactNode, useState } from 'react';
import type { ReasonGroup } from '../../commands/ledger/group-reasons.ts';
import { useCall } from '../use-call.ts';
import { DeadLetterQueues } from './dead-letter-queues.tsx';
import { ReasonGroups } from './reason-groups.tsx';
import { RejectedEvents } from './rejected-events.tsx';
import { ReplayPanel } from './replay-panel.tsx';
import type { ReplaySelection } from './replay-words.ts';

/** How often the depth of the queues is read, in milliseconds. */
const QUEUES_EVERY_MS = 15_000;

/**
 * What was not delivered, why, and what sends it again.
 *
 * @param query `integration`, `since` and `until`, as the CLI's options of these names take them
 */
export function DeadLettersPage({ query }: { readonly query: URLSearchParams }): ReactNode {
  const given = (name: string) => query.get(name) || undefined;
  const [integration, since, until] = [given('integration'), given('since'), given('until')];
  const reasons = useCall('deadReasons', { integration, since, until });
  const queues = useCall('deadLetterQueues', {}, { everyMs: QUEUES_EVERY_MS });
  const [chosen, setChosen] = useState<ReplaySelection>();
  const span = reasons.result ?? reasons.progress;
  const choose = ({ integration_id, reason }: ReasonGroup) =>
    setChosen({
      ...{ integration: integration_id, state: 'dead', like: reason, contains: '' },
      ...{ since: span?.since ?? '', until: span?.until ?? '' },
    });
  const initial: ReplaySelection = {
    ...{ integration: integration ?? '', state: 'dead', like: '', contains: '' },
    ...{ since: since ?? '', until: until ?? '' },
  };
  const events = queues.result?.queues.find(({ name }) => name === 'events');
  return (
    <ContentLayout
      header={
        <Header variant="h1" description="What was not delivered, why, and what sends it again">
          Dead letters
        </Header>
      }
    >
      <SpaceBetween size="l">
        <ReasonGroups reading={reasons} onReplay={choose} />
        <ReplayPanel
          chosen={chosen}
          initial={initial}
          onReplayed={() => {
            reasons.reload();
            queues.reload();
          }}
        />
        <RejectedEvents messages={events && 'messages' in events ? events.messages : undefined} />
        <DeadLetterQueues reading={queues} />
      </SpaceBetween>
    </ContentLayout>
  );
}
