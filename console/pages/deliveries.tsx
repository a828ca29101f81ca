import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { DeliveryList } from '../components/deliveries/delivery-list.tsx';
import { FilterForm } from '../components/deliveries/filter-form.tsx';
import { FoundById } from '../components/deliveries/found-by-id.tsx';
import { SearchWithoutIndex } from '../components/deliveries/search-without-index.tsx';
import { kindOfQuery, readQuery } from '../deliveries/query.ts';
import type { Address } from '../use-address.ts';
import { DeliveryPage } from './delivery.tsx';

/** The list of deliveries at `/deliveries`, and one of them at `/deliveries/<webhook id>`. */
export function DeliveriesPage({ address }: { readonly address: Address }): ReactNode {
  const [, , webhookId] = address.path.split('/');
  if (webhookId !== undefined && webhookId !== '') return <DeliveryPage webhookId={decoded(webhookId)} />;
  const query = readQuery(address.query);
  const kind = kindOfQuery(query);
  return (
    <ContentLayout header={<Header variant="h1">Deliveries</Header>}>
      <SpaceBetween size="l">
        <FilterForm query={query} />
        {kind === 'by id' && <FoundById query={query} />}
        {kind === 'list' && <DeliveryList query={query} />}
        {kind === 'search' && <SearchWithoutIndex query={query} />}
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
