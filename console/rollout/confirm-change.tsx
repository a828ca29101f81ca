import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { ConfirmCommand } from '../components/confirm-command.tsx';
import { Failure } from '../components/failure.tsx';
import { useCall } from '../use-call.ts';
import { ChangesList } from './changes-list.tsx';
import type { KnownEnterprise } from './enterprises.ts';
import type { FlagChange } from './flag-change.ts';

const BAKES =
  'The command follows the deployment while it bakes. The deployment continues if you stop the command or close this dialog: the page shows how it stands, and “Revert” undoes it.';

interface Closed {
  /** Reads the flag again. */
  onClose(): void;
}

export interface ConfirmChangeProps extends Closed {
  readonly change: FlagChange;
  readonly enterprises: readonly KnownEnterprise[];
  /** The version that is deployed by now; undefined if it cannot be read. */
  readonly version: number | undefined;
}

/** Asks once for a change of the flag, with the enterprises that change. */
export function ConfirmChange({ change, enterprises, version, onClose }: ConfirmChangeProps): ReactNode {
  const { title, words, before, after } = change;
  return (
    <ConfirmCommand
      {...{ title, words, onClose }}
      beforeRun={
        // Once it runs, a newer version may be its own.
        version !== undefined &&
        version > change.version && (
          <Alert type="info">
            {`Version ${version} of the flag is deployed by now. The command changes version ${change.version} only.`}
          </Alert>
        )
      }
    >
      <SpaceBetween size="s">
        <ChangesList before={before} after={after} enterprises={enterprises} />
        <Box>{BAKES}</Box>
      </SpaceBetween>
    </ConfirmCommand>
  );
}

/** Asks once for the emergency switch. It needs nothing that the page has read. */
export function ConfirmDisable({ onClose }: Closed): ReactNode {
  return (
    <ConfirmCommand title="Disable learning time for all enterprises" words={['flag', 'disable']} onClose={onClose}>
      <Box>
        Webhooks are delivered without learning time within 15 s of the deployment. This stops a deployment that is in
        progress, and works whatever alarm is in ALARM and whatever the deployed document holds. Closing this dialog
        does not stop it.
      </Box>
    </ConfirmCommand>
  );
}

/** Asks once to undo the newest deployment. */
export function ConfirmRevert({
  enterprises,
  onClose,
}: Closed & { readonly enterprises: readonly KnownEnterprise[] }): ReactNode {
  const { result, error } = useCall('flagRevert', {});
  // The newest deployment is not known then: the command finds it.
  const ofDeployment =
    typeof result === 'object' && !('error' in result) ? ['--if-deployment', String(result.number)] : [];
  return (
    <ConfirmCommand
      title="Revert the newest deployment of the flag"
      words={['flag', 'revert', ...ofDeployment]}
      onClose={onClose}
    >
      <SpaceBetween size="s">
        {error !== undefined && <Failure error={error} />}
        {typeof result === 'string' && <Alert type="info">{`There is nothing to do: ${result}`}</Alert>}
        {typeof result === 'object' && (
          <>
            <Box>
              {`Deployment ${result.number} (${result.state}) is undone: functions get version ${result.version} of deployment ${result.earlier} again.`}
            </Box>
            {result.isSwitchedOn && <Alert type="warning">That switches learning time on.</Alert>}
            {'error' in result.before ? (
              <Failure error={result.before.error} />
            ) : (
              <ChangesList before={result.before} after={result.after} enterprises={enterprises} />
            )}
          </>
        )}
      </SpaceBetween>
    </ConfirmCommand>
  );
}
