import Box from '@cloudscape-design/components/box';
import Pagination from '@cloudscape-design/components/pagination';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type ReactNode, useState } from 'react';
import { enterpriseChanges } from '../../commands/flag/enterprise-changes.ts';
import type { EvaluatedFlag } from '../../lambdas/flag/evaluation.ts';
import { OutsideText } from '../components/outside-text.tsx';
import { changesText, type KnownEnterprise, pageCount, pageOf, positionsOf } from './enterprises.ts';
import './changes-list.css';

export interface ChangesListProps {
  readonly before: EvaluatedFlag;
  readonly after: EvaluatedFlag;
  readonly enterprises: readonly KnownEnterprise[];
}

/** Which known enterprises get or lose learning time by a change of the flag. */
export function ChangesList({ before, after, enterprises }: ChangesListProps): ReactNode {
  const ids = enterprises.map(({ id }) => id);
  const changes = enterpriseChanges(before, after, ids, positionsOf(enterprises));
  return (
    <SpaceBetween size="s">
      <div aria-live="polite">{changesText(changes, ids.length)}</div>
      <Ids title="Would be enabled" ids={changes.on} />
      <Ids title="Would be disabled" ids={changes.off} />
    </SpaceBetween>
  );
}

function Ids({ title, ids }: { readonly title: string; readonly ids: readonly string[] }): ReactNode {
  const [page, setPage] = useState(1);
  if (ids.length === 0) return undefined;
  const pages = pageCount(ids.length);
  return (
    <section aria-label={title}>
      <Box variant="h4" tagOverride="h3">{`${title} (${ids.length})`}</Box>
      <ul className="rollout-ids">
        {pageOf(ids, page).map((id) => (
          <li key={id}>
            <OutsideText text={id} />
          </li>
        ))}
      </ul>
      {pages > 1 && (
        <Pagination
          currentPageIndex={Math.min(page, pages)}
          pagesCount={pages}
          ariaLabels={{ paginationLabel: title }}
          onChange={({ detail }) => setPage(detail.currentPageIndex)}
        />
      )}
    </section>
  );
}
