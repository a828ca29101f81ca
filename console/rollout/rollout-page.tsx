import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Spinner from '@cloudscape-design/components/spinner';
import { type ReactNode, useMemo, useState } from 'react';
import type { EnterpriseAdoption } from '../../commands/console/operations/rollout.ts';
import { Failure } from '../components/failure.tsx';
import { OutsideText } from '../components/outside-text.tsx';
import { useCall } from '../use-call.ts';
import { AdoptionReader } from './adoption-reader.tsx';
import { AnyEnterprise } from './any-enterprise.tsx';
import { ConfirmChange, ConfirmDisable, ConfirmRevert } from './confirm-change.tsx';
import { DeploymentPanel } from './deployment-panel.tsx';
import { EnterpriseTable } from './enterprise-table.tsx';
import { mergeEnterprises } from './enterprises.ts';
import { type FlagChange, phaseOf } from './flag-change.ts';
import { FlagPanel } from './flag-panel.tsx';
import { PercentagePanel } from './percentage-panel.tsx';
import { Phases } from './phases.tsx';

type Asked = FlagChange | 'disable' | 'revert';

const WAITS = 'A deployment is in progress: AppConfig starts the next one when it has ended';

/** Which enterprises have learning time and why, and every command that changes it. */
export function RolloutPage(): ReactNode {
  const { result, error, reload } = useCall('rollout', {}, { everyMs: 5000 });
  const [inLedger, setInLedger] = useState<readonly EnterpriseAdoption[]>([]);
  const [asked, setAsked] = useState<Asked>();
  const enterprises = useMemo(() => {
    const ofIntegrations = result === undefined || 'error' in result.ofIntegrations ? [] : result.ofIntegrations;
    return mergeEnterprises({ ofIntegrations, pilots: result?.pilots ?? [], inLedger });
  }, [result, inLedger]);
  const deployed = result === undefined || 'error' in result.deployed ? undefined : result.deployed;
  const parts = { whyBusy: result?.timeLeft === undefined ? undefined : WAITS, onChange: setAsked };
  const close = () => {
    setAsked(undefined);
    reload();
  };
  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          description="Which enterprises’ completions are delivered with learning time"
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button iconName="undo" onClick={() => setAsked('revert')}>
                Revert
              </Button>
              <Button variant="primary" iconName="status-stopped" onClick={() => setAsked('disable')}>
                Disable for all enterprises
              </Button>
            </SpaceBetween>
          }
        >
          Rollout
        </Header>
      }
    >
      <SpaceBetween size="l">
        {error !== undefined && <Failure error={error} onRetry={reload} />}
        {result === undefined && error === undefined && <Spinner />}
        {result !== undefined && 'error' in result.deployed && (
          <Alert type="error" header="The flag cannot be read">
            <OutsideText text={result.deployed.error} atMost={2000} />
          </Alert>
        )}
        {result !== undefined && result.warnings.length > 0 && (
          <Alert type="warning">
            {result.warnings.map((warning) => (
              <div key={warning}>
                <OutsideText text={warning} atMost={2000} />
              </div>
            ))}
          </Alert>
        )}
        {result !== undefined && deployed !== undefined && (
          <FlagPanel {...parts} deployed={deployed} cacheTtlBounds={result.cacheTtlBounds} />
        )}
        {result !== undefined && <DeploymentPanel {...result} />}
        {deployed !== undefined && <PercentagePanel {...parts} {...{ deployed, enterprises }} />}
        <AnyEnterprise {...parts} deployed={deployed} />
        <Phases current={deployed && phaseOf(deployed.flag)} />
        {result !== undefined && 'error' in result.ofIntegrations && <Failure error={result.ofIntegrations.error} />}
        {deployed !== undefined && (
          <EnterpriseTable {...parts} {...{ deployed, enterprises }} reader={<AdoptionReader onRead={setInLedger} />} />
        )}
      </SpaceBetween>
      {asked === 'disable' && <ConfirmDisable onClose={close} />}
      {asked === 'revert' && <ConfirmRevert enterprises={enterprises} onClose={close} />}
      {typeof asked === 'object' && (
        <ConfirmChange change={asked} enterprises={enterprises} version={deployed?.version} onClose={close} />
      )}
    </ContentLayout>
  );
}
