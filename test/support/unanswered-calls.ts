import fc from 'fast-check';
import type { LedgerTable } from '../../lambdas/ledger/ports.ts';
import type { ReconcileServices } from '../../lambdas/operations/reconcile-run.ts';
import { LedgerUnavailable } from '../../lambdas/shared/errors.ts';

/**
 * How a call to a service ends. `repeated`: its response is lost, and the SDK repeats it. `unanswered`: it is made, without a
 * response. `unmade`: it is not made. `killed_before` and `killed_after`: the function is killed, and makes no further call.
 */
const CALL_ENDS = ['done', 'repeated', 'unanswered', 'unmade', 'killed_before', 'killed_after'] as const;
export type CallEnd = (typeof CALL_ENDS)[number];

/** How the calls of one invocation end, in their order: most are done. */
export function callEnds(maxLength: number): fc.Arbitrary<readonly CallEnd[]> {
  const [done, ...others] = CALL_ENDS;
  const one = fc.oneof(
    { weight: 7, arbitrary: fc.constant<CallEnd>(done) },
    { weight: 3, arbitrary: fc.constantFrom<CallEnd>(...others) },
  );
  return fc.oneof({ weight: 1, arbitrary: fc.constant([]) }, { weight: 3, arbitrary: fc.array(one, { maxLength }) });
}

/** The error of every call of a killed function. */
class Killed extends Error {
  override readonly name = 'Killed';
}

/** The calls of one invocation to the services around it. */
export class Calls {
  /** Whether the invocation was killed: its result is ignored. */
  isKilled = false;
  /** Whether a call of the ledger's table had no response. */
  isTableUnreached = false;
  /** Number of calls made. */
  made = 0;
  readonly #left: CallEnd[];
  readonly #turnsLate: number[];
  readonly #isTableOnly: boolean;

  /**
   * @param ends of its calls, in order; all later calls are done
   * @param turnsLate their delays, in turns of the event loop
   * @param isTableOnly whether `ends` are those of the table's calls, and all other calls are done
   */
  constructor(ends: readonly CallEnd[] = [], turnsLate: readonly number[] = [], isTableOnly = false) {
    this.#left = [...ends];
    this.#turnsLate = [...turnsLate];
    this.#isTableOnly = isTableOnly;
  }

  /** @param noResponse the SDK's error without a response */
  async make<T>(call: () => Promise<T>, noResponse: () => Error, isOfTable = false): Promise<T> {
    if (this.isKilled) throw new Killed();
    this.made += 1;
    const end = (this.#isTableOnly && !isOfTable ? undefined : this.#left.shift()) ?? 'done';
    for (let turns = this.#turnsLate.shift() ?? 0; turns > 0; turns -= 1) await new Promise(setImmediate);
    if (end === 'killed_before') this.#die();
    if (end === 'unmade') throw noResponse();
    const response = await call();
    // Killed meanwhile, by another of its calls.
    if (end === 'killed_after' || this.isKilled) this.#die();
    if (end === 'unanswered') throw noResponse();
    return end === 'repeated' ? call() : response;
  }

  /** The ledger's table for this invocation. Its lists always succeed. */
  table(table: LedgerTable): LedgerTable {
    const make = this.#makeOfTable.bind(this);
    return {
      ...table,
      record: (id) => make(() => table.record(id)),
      records: (ids) => make(() => table.records(ids)),
      event: (id) => make(() => table.event(id)),
      replace: (record) => make(() => table.replace(record)),
      overwrite: (record) => make(() => table.overwrite(record)),
      putOpen: (entry) => make(() => table.putOpen(entry)),
      putAllOpen: (entries) => make(() => table.putAllOpen(entries)),
      removeOpen: (entries) => make(() => table.removeOpen(entries)),
      putEvents: (events) => make(() => table.putEvents(events)),
      putResponse: (...answer) => make(() => table.putResponse(...answer)),
      timers: (keys) => make(() => table.timers(keys)),
      putTimer: (timer) => make(() => table.putTimer(timer)),
    };
  }

  /** The progress of the reconciler for this invocation. */
  progress({ read, write }: ReconcileServices['progress']): ReconcileServices['progress'] {
    const make = this.#makeOfTable.bind(this);
    return { read: () => make(read), write: (progress) => make(() => write(progress)) };
  }

  #makeOfTable<T>(call: () => Promise<T>): Promise<T> {
    const noResponse = () => {
      this.isTableUnreached = true;
      return new LedgerUnavailable('the table does not respond');
    };
    return this.make(call, noResponse, true);
  }

  #die(): never {
    this.isKilled = true;
    throw new Killed();
  }
}
