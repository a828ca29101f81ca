import { synthesizeLocalStage } from '../../local/synthesize.ts';
import type { Bench } from '../bench.ts';
import { figure } from '../figure.ts';
import { startProcesses } from '../ledger/processes.ts';
import { unitsPerEvent } from '../ledger/report.ts';
import { formatColumns } from '../table.ts';
import { type Bill, billOfQueues, billOfWorkflow, type Counted, totalOf } from './bill.ts';
import { countTransitions } from './count-transitions.ts';

/** Everything through a Standard workflow costs at least so many times as much. */
const TIMES = 10;
/** The least that a workflow of this kind could have: enrich, choose, deliver, end. */
const FEWEST_TRANSITIONS = 4;
const COUNTED_BATCHES = 10;

export const bench: Bench = {
  about: 'dollars for a million events, against the same all through the Standard workflow',
  options: {},
  usage: [],
  async measure() {
    const counted = await count();
    const ours = billOfQueues(counted);
    const through = billOfWorkflow(counted);
    const shortest = billOfWorkflow({ ...counted, transitions: FEWEST_TRANSITIONS });
    const beside = (name: string, bill: Bill) => ({ name, values: [totalOf(bill)] });
    const cost = { unit: '$/million events', values: [totalOf(ours)] };
    return {
      details: formatBills(ours, through),
      figures: [
        figure({
          name: 'cost.million_events',
          ...cost,
          baseline: beside('all through the same workflow', through),
          target: { of: 'ratio', is: 'at most', bound: 1 / TIMES },
        }),
        figure({
          name: 'cost.million_events.shortest_workflow',
          ...cost,
          baseline: beside(`all through a workflow of ${FEWEST_TRANSITIONS} transitions`, shortest),
        }),
        figure({ name: 'cost.transitions', unit: 'transitions/execution', values: [counted.transitions] }),
        figure({ name: 'cost.ledger_write_units', unit: 'units/event', values: [counted.ledgerWriteUnits] }),
      ],
    };
  },
};

async function count(): Promise<Counted> {
  const processes = await startProcesses();
  try {
    const units = unitsPerEvent(await processes.count(COUNTED_BATCHES));
    const all = Object.values(units).flatMap((step) => Object.values(step));
    const sum = (name: 'writes' | 'reads') => all.reduce((total, one) => total + one[name], 0);
    const transitions = await countTransitions(await synthesizeLocalStage());
    return { transitions, ledgerWriteUnits: sum('writes'), ledgerReadUnits: sum('reads') };
  } finally {
    await processes.stop();
  }
}

function formatBills(ours: Bill, through: Bill): string {
  const dollars = (value: number | undefined) => (value ?? 0).toFixed(2);
  const rows = Object.keys(ours).map((item) => [item, dollars(ours[item]), dollars(through[item])]);
  const total = ['total', dollars(totalOf(ours)), dollars(totalOf(through))];
  return formatColumns([['$ for a million events', 'queues', 'all in the workflow'], ...rows, total]);
}
