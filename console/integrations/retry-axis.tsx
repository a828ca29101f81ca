import { type ReactNode, useId } from 'react';
import { describeAttempt, endOf, type RetryTime } from './retry-times.ts';
import { createTimeAxis } from './time-axis.ts';
import './retry-axis.css';

/** Sizes of the drawing, in its own units. */
const WIDTH = 800;
const ROW_HEIGHT = 22;
const LABEL_WIDTH = 84;
const RIGHT_MARGIN = 36;
const AXIS_HEIGHT = 28;
const BAR_HEIGHT = 12;
/** An attempt with one possible time would have no width. */
const LEAST_BAR_WIDTH = 4;

/** Draws a retry schedule: a row for each attempt, a bar from its earliest start to its latest. The same is listed below. */
export function RetryAxis({
  times,
  title,
}: {
  readonly times: readonly RetryTime[];
  readonly title: string;
}): ReactNode {
  const id = useId();
  const axis = createTimeAxis({
    endMs: endOf(times),
    width: WIDTH - LABEL_WIDTH - RIGHT_MARGIN,
    tickDistance: 44,
  });
  const height = times.length * ROW_HEIGHT + AXIS_HEIGHT;
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of a keyboard */}
      <section className="retry-axis-frame" tabIndex={0} aria-label={`${title}, as a drawing`}>
        <svg className="retry-axis" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-labelledby={`${id}-title`}>
          <title id={`${id}-title`}>{`${title}: a bar for each attempt, listed below`}</title>
          {axis.ticks.map(({ ms, text, position }) => (
            <g key={ms} transform={`translate(${LABEL_WIDTH + position} 0)`}>
              <line y1={0} y2={height - AXIS_HEIGHT + 4} />
              <text y={height - 8} textAnchor="middle">
                {text}
              </text>
            </g>
          ))}
          {times.map(({ attempt, earliestMs, latestMs }, row) => {
            const from = axis.position(earliestMs);
            return (
              <g key={attempt} transform={`translate(0 ${row * ROW_HEIGHT})`}>
                <text x={0} y={ROW_HEIGHT - 7}>{`attempt ${attempt}`}</text>
                <rect
                  x={LABEL_WIDTH + from}
                  y={(ROW_HEIGHT - BAR_HEIGHT) / 2}
                  width={Math.max(LEAST_BAR_WIDTH, axis.position(latestMs) - from)}
                  height={BAR_HEIGHT}
                  rx={2}
                />
              </g>
            );
          })}
        </svg>
      </section>
      <ul aria-label={title}>
        {times.map((time) => (
          <li key={time.attempt}>{describeAttempt(time)}</li>
        ))}
      </ul>
    </>
  );
}
