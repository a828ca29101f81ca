import type { ReactNode } from 'react';
import type { Phase } from './test-report.ts';
import './request-phases.css';

/** The phases of a request as bars one after the other, in a table that has the same in numbers. */
export function RequestPhases({ phases }: { readonly phases: readonly Phase[] }): ReactNode {
  const endMs = Math.max(1, ...phases.map(({ fromMs, durationMs = 0 }) => fromMs + durationMs));
  const share = (ms: number) => (ms / endMs) * 100;
  return (
    <table className="request-phases">
      <caption>Times of the request</caption>
      <tbody>
        {phases.map(({ name, fromMs, durationMs }) => (
          <tr key={name} className={name === 'total' ? 'total' : undefined}>
            <th scope="row">{name}</th>
            <td>{durationMs === undefined ? '-' : `${Math.round(durationMs * 10) / 10} ms`}</td>
            <td className="bar">
              {durationMs !== undefined && (
                <svg viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true">
                  <rect x={share(fromMs)} y={1} width={Math.max(0.4, share(durationMs))} height={12} />
                </svg>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
