import type { Batch } from '../../api/batch.ts';
import { counted, countText } from '../../format/numbers.ts';
import { durationText } from '../../format/times.ts';
import { Section } from '../../parts/notices.tsx';

interface Step {
  at: number;
  ended: number;
}

const width = 320;
const height = 96;

/** How many requests were collected by when: a step for each shard. */
export function CompletionChart({ batch }: { batch: Batch }) {
  const steps = stepsOf(batch);
  const last = steps.at(-1);
  const begin = batch.created_at;
  if (!last || begin === null || steps.length < 2 || batch.request_counts.total === 0) return null;
  const end = Math.max(last.at, begin + 1);
  const x = (at: number) => ((at - begin) / (end - begin)) * width;
  const y = (ended: number) => height - (ended / batch.request_counts.total) * (height - 4);
  const line = steps.map(({ at, ended }) => `H${x(at).toFixed(1)}V${y(ended).toFixed(1)}`).join('');
  const said = `${countText(last.ended)} of ${counted(batch.request_counts.total, 'request')} were collected within ${durationText(end - begin)}, in ${counted(steps.length, 'step')}.`;
  return (
    <Section title="Collected over time">
      <svg class="chart" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={said} preserveAspectRatio="none">
        <path d={`M0 ${height}${line}V${height}Z`} class="area" />
        <path d={`M0 ${height}${line}`} class="line" />
      </svg>
      <p class="axis muted">
        <span>0</span>
        <span>{durationText(end - begin)}</span>
      </p>
    </Section>
  );
}

function stepsOf({ batchdrop: { shards = [] } }: Batch): Step[] {
  let ended = 0;
  return shards
    .flatMap(({ collected_at: at, completed, failed, retryable = 0 }) =>
      at == null ? [] : [{ at, count: completed + failed - retryable }],
    )
    .toSorted((left, right) => left.at - right.at)
    .map(({ at, count }) => {
      ended += count;
      return { at, ended };
    });
}
