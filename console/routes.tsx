import type { ReactNode } from 'react';
import { ArchitecturePage } from './architecture/architecture-page.tsx';
import { DeadLettersPage } from './dead-letters/dead-letters-page.tsx';
import { DeliveriesPage } from './deliveries/deliveries-page.tsx';
import { IntegrationPage } from './integrations/integration-page.tsx';
import { IntegrationsPage } from './integrations/integrations-page.tsx';
import { OverviewPage } from './overview/overview-page.tsx';
import { RolloutPage } from './rollout/rollout-page.tsx';
import { type Address, idAfter } from './use-address.ts';

interface Route {
  /** What the navigation shows. */
  readonly title: string;
  readonly path: string;
  readonly render: (address: Address) => ReactNode;
}

/** The pages, in the order of the navigation. A longer path belongs to the page whose path it starts with. */
export const ROUTES: readonly Route[] = [
  { title: 'Overview', path: '/', render: (address) => <OverviewPage address={address} /> },
  { title: 'Deliveries', path: '/deliveries', render: (address) => <DeliveriesPage address={address} /> },
  {
    title: 'Integrations',
    path: '/integrations',
    render(address) {
      const id = idAfter(address, '/integrations/');
      return id === undefined ? <IntegrationsPage /> : <IntegrationPage id={id} />;
    },
  },
  {
    title: 'Dead letters',
    path: '/dead-letters',
    render: ({ query, text }) => <DeadLettersPage key={text} query={query} />,
  },
  { title: 'Rollout', path: '/rollout', render: () => <RolloutPage /> },
  { title: 'Architecture', path: '/architecture', render: () => <ArchitecturePage /> },
];

/** The page of an address. Undefined if there is none. */
export function findRoute({ path }: Address): Route | undefined {
  return ROUTES.find((route) => path === route.path || (route.path !== '/' && path.startsWith(`${route.path}/`)));
}
