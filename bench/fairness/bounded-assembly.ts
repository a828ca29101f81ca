import { findStage } from '../../lib/stage.ts';
import { changedAssembly } from '../changed-assembly.ts';

/**
 * The local stage's assembly with the concurrency that staging reserves for the delivery functions. The local stage
 * reserves none, so tries that hang in the workflow would take the shared queue's function its processes.
 */
export function boundedAssembly(assemblyDirectory: string): { readonly directory: string; remove(): void } {
  const { deliverBatch, deliverTask } = findStage('staging').functions;
  const reserved = new Map<unknown, number | undefined>([
    ['deliver-batch.handler', deliverBatch.reservedConcurrency],
    ['deliver-task.handler', deliverTask.reservedConcurrency],
  ]);
  return changedAssembly(assemblyDirectory, ({ Resources }) => {
    for (const { Type, Properties } of Object.values(Resources)) {
      const concurrency = Type === 'AWS::Lambda::Function' ? reserved.get(Properties.Handler) : undefined;
      if (concurrency !== undefined) Properties.ReservedConcurrentExecutions = concurrency;
    }
  });
}
