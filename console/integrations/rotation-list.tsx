import Box from '@cloudscape-design/components/box';
import Steps from '@cloudscape-design/components/steps';
import type { ReactNode } from 'react';
import type { RotationStep } from './rotation-steps.ts';

const STATUS_TEXTS: Readonly<Record<RotationStep['status'], string>> = {
  success: 'done',
  info: 'next',
  pending: 'later',
  warning: 'needs an operator',
};

/** Where a rotation stands, step by step. @param actions what the operator can do, by the position of its step */
export function RotationSteps({
  steps,
  title,
  actions,
}: {
  readonly steps: readonly RotationStep[];
  readonly title: string;
  readonly actions: Readonly<Record<number, ReactNode>>;
}): ReactNode {
  return (
    <Steps
      ariaLabel={title}
      steps={steps.map(({ title: header, status, text }, index) => ({
        status,
        statusIconAriaLabel: STATUS_TEXTS[status],
        header: `${index + 1}. ${header}`,
        details: (
          <>
            <Box variant="p">{text}</Box>
            {actions[index]}
          </>
        ),
      }))}
    />
  );
}
