import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import { type ReactNode, useState } from 'react';
import { ConfirmCommand } from '../components/confirm-command.tsx';
import { parseTestReport, type TestReport } from './test-report.ts';
import { TestReportView } from './test-report-view.tsx';

interface TestDeliveryProps {
  readonly id: string;
  /** Called after each test. */
  onDone(): void;
}

/** Sends test events to the partner of an integration, and shows the last result. */
export function TestDelivery({ id, onDone }: TestDeliveryProps): ReactNode {
  const [isAsking, setIsAsking] = useState(false);
  const [report, setReport] = useState<TestReport>();
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="One signed event, marked as a test, goes from the stage’s own addresses to the partner. The ledger has no record of it."
          actions={<Button onClick={() => setIsAsking(true)}>Send a test event</Button>}
        >
          Test delivery
        </Header>
      }
    >
      {report === undefined ? 'None was sent from this page yet.' : <TestReportView report={report} />}
      {isAsking && (
        <SendTest
          id={id}
          onClose={(sent) => {
            setIsAsking(false);
            if (sent !== undefined) setReport(sent);
            onDone();
          }}
        />
      )}
    </Container>
  );
}

interface SendTestProps {
  readonly id: string;
  /** Presents the next client certificate. */
  readonly isNext?: boolean;
  /** @param report undefined if there is none */
  onClose(report: TestReport | undefined): void;
}

/** Asks once, and sends one test event. */
export function SendTest({ id, isNext = false, onClose }: SendTestProps): ReactNode {
  const words = ['send-test', '--integration', id, ...(isNext ? ['--next'] : []), '--json'];
  return (
    <ConfirmCommand
      title={`Send a test event to ${id}`}
      words={words}
      renderOutput={(output) => {
        const report = parseTestReport(output);
        return report && <TestReportView report={report} />;
      }}
      onClose={(result) => onClose(result && parseTestReport(result.output))}
    >
      {`This sends one signed test event to the partner${isNext ? ', and presents the next client certificate' : ''}. The partner can tell it from others by "test": true in its body.`}
    </ConfirmCommand>
  );
}
