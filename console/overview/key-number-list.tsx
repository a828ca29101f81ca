import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Skeleton from '@cloudscape-design/components/skeleton';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import { PageLink } from '../components/page-link.tsx';
import type { KeyNumber } from './key-numbers.ts';

const MARKS = { normal: undefined, good: 'success', bad: 'warning' } as const;

/** The numbers at the top, each a link to its details. */
export function KeyNumbers({ numbers }: { readonly numbers: readonly KeyNumber[] }): ReactNode {
  return (
    <Container>
      <ul className="key-numbers" aria-label="Key numbers">
        {numbers.map(({ label, value, detail, href, tone }) => (
          <li key={label}>
            <Box variant="awsui-key-label">{label}</Box>
            {value === undefined ? (
              <Skeleton variant="text-heading-xl" width="4em" />
            ) : (
              <span className="key-number">
                <PageLink to={href} fontSize="heading-xl" ariaLabel={`${label}: ${value}`}>
                  {value}
                </PageLink>
                {MARKS[tone] !== undefined && (
                  <StatusIndicator type={MARKS[tone]} iconAriaLabel={tone === 'good' ? 'good' : 'needs attention'} />
                )}
              </span>
            )}
            <Box fontSize="body-s" color="text-body-secondary">
              {detail}
            </Box>
          </li>
        ))}
      </ul>
    </Container>
  );
}
