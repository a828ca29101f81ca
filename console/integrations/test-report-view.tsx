import Box from '@cloudscape-design/components/box';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import { OutsideText } from '../components/outside-text.tsx';
import { RequestPhases } from './request-phases.tsx';
import { phasesOf, type TestReport, VERDICTS } from './test-report.ts';

/** Length of a body or response that is shown, in characters. */
const AT_MOST = 4000;

/** What became of a test event: verdict, what it means, times, and what the partner can compare. */
export function TestReportView({ report }: { readonly report: TestReport }): ReactNode {
  const { verdict, reason, explanation, timings, response_start: response = '', client_certificate } = report;
  const { type, text } = VERDICTS[verdict];
  const sent = [
    ['webhook-id', report.webhook_id],
    ['webhook-timestamp', report.webhook_timestamp],
    ['webhook-signature', report.webhook_signature],
    ['body', report.body],
  ] as const;
  return (
    <SpaceBetween size="m">
      <StatusIndicator type={type} wrapText>
        {text}: <OutsideText text={reason} />
      </StatusIndicator>
      {explanation.map((sentence) => (
        <Box key={sentence} variant="p">
          <OutsideText text={sentence} atMost={1000} />
        </Box>
      ))}
      {client_certificate !== undefined && (
        <Box variant="p">
          {client_certificate.fault === undefined
            ? `Client certificate: the ${client_certificate.pair} one, until ${client_certificate.expires_at.slice(0, 10)}.`
            : `The secret has ${client_certificate.fault}.`}
        </Box>
      )}
      {timings !== undefined && <RequestPhases phases={phasesOf(timings)} />}
      {response !== '' && (
        <div>
          <Box variant="awsui-key-label">The response begins</Box>
          <OutsideText text={response} atMost={AT_MOST} />
        </div>
      )}
      {/* Without a token there is a body, and no signature of it. */}
      {report.webhook_signature !== '' && (
        <ExpandableSection headerText="For the partner to compare: the signature is over webhook-id.webhook-timestamp.body">
          <KeyValuePairs
            items={sent.map(([label, value]) => ({ label, value: <OutsideText text={value} atMost={AT_MOST} /> }))}
          />
        </ExpandableSection>
      )}
    </SpaceBetween>
  );
}
