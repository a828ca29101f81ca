import { Construct } from 'constructs';
import type { EventQueues } from './event-queues.ts';
import type { CodeBase } from './function-code.ts';
import type { Ledger } from './ledger.ts';
import type { OperationalEvents } from './operational-events.ts';
import { PipelineFunction } from './pipeline-function.ts';

export interface OutcomesProps {
  readonly codeBase: CodeBase;
  readonly ledger: Ledger;
  readonly events: OperationalEvents;
  readonly queues: EventQueues;
}

/** Settles outcomes that the ledger did not accept at first; they wait in a queue until it responds again. */
export class Outcomes extends Construct {
  readonly settle: PipelineFunction;

  constructor(scope: Construct, id: string, { codeBase, ledger, events, queues }: OutcomesProps) {
    super(scope, id);
    const { outcomes } = queues;
    this.settle = new PipelineFunction(this, 'SettleOutcomes', { codeBase, inVpc: false });
    ledger.grantSettle(this.settle);
    events.grantPut(this.settle);
    this.settle.consume(outcomes.queue, 'OUTCOMES_QUEUE_URL', codeBase.stage.eventSources.outcomes);
    this.settle.grantSend(outcomes.deadLetters, 'OUTCOMES_DEAD_LETTER_QUEUE_URL');
  }
}
