import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import type { Address } from '../use-address.ts';
import { DeliveryList } from './delivery-list.tsx';
import { DeliveryPage } from './delivery-page.tsx';
import { FilterForm } from './filter-form.tsx';
import { FoundById } from './found-by-id.tsx';
import { kindOfQuery, readQuery } from './query.ts';
import { SearchWithoutIndex } from './search-without-index.tsx';

/** The list of deliveries at `/deliveries`, and one of them at `/deliveries/<webhook id>`. */
export function DeliveriesPage({ address }: { readonly address: Address }): ReactNode {
  const [, , webhookId] = address.path.split('/');
  if (webhookId !== undefined && webhookId !== '') return <DeliveryPage webhookId={decoded(webhookId)} />;
  const query = readQuery(address);
  const kind = kindOfQuery(query);
  // What another query asks for starts from nothing. Another page of the same one keeps the focus.
  const { cursor: _, ...asked } = query;
  const key = JSON.stringify(asked);
  return (
    <ContentLayout header={<Header variant="h1">Deliveries</Header>}>
      <SpaceBetween size="l">
        <FilterForm key={key} query={query} />
        {kind === 'by id' && <FoundById key={key} query={query} />}
        {kind === 'list' && <DeliveryList key={key} query={query} />}
        {kind === 'search' && <SearchWithoutIndex key={key} query={query} />}
      </SpaceBetween>
    </ContentLayout>
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
