import Alert from '@cloudscape-design/components/alert';
import AppLayout from '@cloudscape-design/components/app-layout';
import Box from '@cloudscape-design/components/box';
import { I18nProvider } from '@cloudscape-design/components/i18n';
import messages from '@cloudscape-design/components/i18n/messages/all.en';
import SideNavigation from '@cloudscape-design/components/side-navigation';
import TopNavigation from '@cloudscape-design/components/top-navigation';
import { type ReactNode, useMemo } from 'react';
import { createCall } from './call.ts';
import { ErrorBoundary } from './components/error-boundary.tsx';
import { Failure } from './components/failure.tsx';
import { ConsoleProvider } from './console-context.ts';
import { findRoute, ROUTES } from './routes.tsx';
import { useAddress } from './use-address.ts';
import { useMode } from './use-mode.ts';
import { useStageName } from './use-stage-name.ts';

const NAVIGATION_ID = 'top-navigation';

/** @param token undefined if the page was opened without it */
export function App({ token }: { readonly token: string | undefined }): ReactNode {
  return (
    <I18nProvider locale="en" messages={[messages]}>
      {token === undefined ? <NoToken /> : <Page token={token} />}
    </I18nProvider>
  );
}

function NoToken(): ReactNode {
  return (
    <Box padding="l">
      <Alert type="error" header="This address has no token">
        Open the address that <code>./ltw console</code> or <code>npm start</code> printed.
      </Alert>
    </Box>
  );
}

function Page({ token }: { readonly token: string }): ReactNode {
  const { address, navigate } = useAddress();
  const { isDark, toggle } = useMode();
  const call = useMemo(() => createCall(token), [token]);
  const { stageName, error, reload } = useStageName(call);
  const route = findRoute(address);
  const content = () => {
    if (error !== undefined) {
      return <Failure error={`The stage cannot be reached: ${error}`} onRetry={reload} />;
    }
    if (stageName === undefined) return undefined;
    return (
      <ConsoleProvider value={{ call, stageName, navigate }}>
        <ErrorBoundary key={address.path}>
          {route?.render(address) ?? <Alert type="error">There is no such page.</Alert>}
        </ErrorBoundary>
      </ConsoleProvider>
    );
  };
  return (
    <>
      <header id={NAVIGATION_ID}>
        <TopNavigation
          identity={{
            href: '/',
            title: `Learning-time webhooks: ${stageName ?? '…'}`,
            onFollow: (event) => {
              event.preventDefault();
              navigate('/');
            },
          }}
          utilities={[{ type: 'button', text: isDark ? 'Light mode' : 'Dark mode', onClick: toggle }]}
        />
      </header>
      <AppLayout
        headerSelector={`#${NAVIGATION_ID}`}
        toolsHide
        navigation={
          <SideNavigation
            activeHref={route?.path ?? ''}
            items={ROUTES.map(({ title, path }) => ({ type: 'link', text: title, href: path }))}
            onFollow={(event) => {
              event.preventDefault();
              navigate(event.detail.href);
            }}
          />
        }
        content={content()}
      />
    </>
  );
}
