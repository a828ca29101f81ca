/// <reference lib="dom" />
import Alert from '@cloudscape-design/components/alert';
import Autosuggest from '@cloudscape-design/components/autosuggest';
import Button from '@cloudscape-design/components/button';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import Container from '@cloudscape-design/components/container';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type ReactNode, useState } from 'react';
import { useConsole } from '../console-context.ts';
import { useCall } from '../use-call.ts';
import { addressOf, type DeliveriesQuery, hasSeveralSearches, hiddenPartOf, kindOfQuery } from './query.ts';

const STATES = ['accepted', 'delivering', 'scheduled', 'parked', 'delivered', 'dead', 'filtered', 'cancelled'];
const ANY_STATE = { value: '', label: 'any' };

type Name = Exclude<keyof DeliveriesQuery, 'cursor' | 'state' | 'integration'>;

/** What deliveries are asked for. Each search has an address of its own. */
export function FilterForm({ query }: { readonly query: DeliveriesQuery }): ReactNode {
  const { navigate } = useConsole();
  const known = useCall('ledgerIntegrations', {});
  const { cursor: _, ...asked } = query;
  const [fields, setFields] = useState<DeliveriesQuery>(asked);
  const set = (name: keyof DeliveriesQuery, value: string) => setFields((before) => ({ ...before, [name]: value }));
  const isAmbiguous = hasSeveralSearches(fields);
  const show = () => {
    if (!isAmbiguous) navigate(addressOf(fields), hiddenPartOf(fields));
  };
  const field = (name: Name, label: string, description: string) => (
    <FormField label={label} description={description}>
      <Input value={fields[name] ?? ''} spellcheck={false} onChange={({ detail }) => set(name, detail.value)} />
    </FormField>
  );
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        show();
      }}
    >
      <Container
        header={<Header variant="h2">Which deliveries</Header>}
        footer={
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="primary" formAction="submit">
              Show
            </Button>
            <Button formAction="none" onClick={() => navigate('/deliveries')}>
              Clear
            </Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="m">
          <ColumnLayout columns={4}>
            <FormField label="Integration" description="Its id">
              <Autosuggest
                value={fields.integration ?? ''}
                options={(known.result?.integrationIds ?? []).map((value) => ({ value }))}
                enteredTextLabel={(value) => `Use ${value}`}
                statusType={known.isLoading ? 'loading' : 'finished'}
                onChange={({ detail }) => set('integration', detail.value)}
              />
            </FormField>
            <FormField label="State" description="As it is now">
              <Select
                selectedOption={
                  fields.state === undefined || fields.state === ''
                    ? ANY_STATE
                    : { value: fields.state, label: fields.state }
                }
                options={[ANY_STATE, ...STATES.map((value) => ({ value, label: value }))]}
                onChange={({ detail }) => set('state', detail.selectedOption.value ?? '')}
              />
            </FormField>
            {field('since', 'Accepted since', '24h, 7d or 2026-01-31; 15d if empty')}
            {field('until', 'Accepted until', '1h, 2026-01-31; now if empty')}
            {field('id', 'Webhook id', 'Or how it starts: wh_ and 6 digits')}
            {field('event', 'Event id', 'Of the integration, or of every one')}
          </ColumnLayout>
          <ExpandableSection
            headerText="Search without an index"
            headerDescription="Reads many rows, costs more and takes longer; it can be stopped"
            defaultExpanded={kindOfQuery(query) === 'search'}
          >
            <ColumnLayout columns={3}>
              {field('user', 'Learner', 'The number by which the LMS knows the user')}
              {field('course', 'Course', 'The whole course id')}
              {field('text', 'Error text', 'A part of the reason')}
            </ColumnLayout>
            {isAmbiguous && (
              <Alert type="warning">Fill in one of learner, course and error text: each is a search of its own.</Alert>
            )}
          </ExpandableSection>
        </SpaceBetween>
      </Container>
    </form>
  );
}
