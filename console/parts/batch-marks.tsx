import type { Batch, Cost } from '../api/batch.ts';
import { isSimulated, statusText, toneOf } from '../format/batch-facts.ts';
import { countText, dollarsText, percentText } from '../format/numbers.ts';
import { ageText, timeText } from '../format/times.ts';

export function StatusMark({ batch }: { batch: Batch }) {
  return (
    <span class={`status ${toneOf(batch)}`}>
      <span class="dot" aria-hidden="true" />
      {statusText(batch)}
    </span>
  );
}

export function ProgressBar({ counts, label }: { counts: Batch['request_counts']; label: string }) {
  const { total, completed, failed } = counts;
  const share = (part: number) => `${total === 0 ? 0 : (100 * part) / total}%`;
  const said = `${countText(completed)} of ${countText(total)} answered, ${countText(failed)} failed`;
  return (
    <div
      class="progress"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={completed + failed}
      aria-valuetext={said}
      title={said}
    >
      <div class="done" style={{ width: share(completed) }} />
      <div class="failed" style={{ width: share(failed) }} />
    </div>
  );
}

export function progressText({ total, completed, failed }: Batch['request_counts']): string {
  return total === 0 ? '' : percentText(completed + failed, total);
}

/** Dollars, or that the price is not known; what nobody pays is marked. */
export function Dollars({ cost, isEstimate = false }: { cost: Cost | null | undefined; isEstimate?: boolean }) {
  if (!cost) return <span class="muted">–</span>;
  const said = cost.usd === null ? 'price unknown' : `${isEstimate ? '≈ ' : ''}${dollarsText(cost.usd)}`;
  return (
    <span class={isEstimate ? 'estimate' : undefined} title={costTitle(cost, isEstimate)}>
      {said}
      {isSimulated(cost) && <Simulated />}
    </span>
  );
}

export function Simulated() {
  return (
    <abbr class="tag" title="Simulated: nobody pays this">
      sim
    </abbr>
  );
}

const priceWords = {
  batch: 'at batch prices',
  single: 'at single-call prices',
  mixed: 'at batch and single-call prices',
};

function costTitle({ usd, unpriced, prices, simulated = [] }: Cost, isEstimate: boolean): string {
  const parts = [
    usd === null
      ? `No price is known for ${unpriced.join(', ')}`
      : isEstimate
        ? 'Estimated before sending'
        : 'Of what was answered',
    ...(prices ? [priceWords[prices]] : []),
    ...(simulated.length > 0 ? [`simulated, nobody pays it: ${simulated.join(', ')}`] : []),
  ];
  return parts.join('; ');
}

/** How long ago, with the whole time as its title. */
export function Ago({ at, now }: { at: number | null; now: number }) {
  if (at === null) return null;
  return (
    <time dateTime={new Date(at * 1_000).toISOString()} title={timeText(at)}>
      {ageText(now - at)}
    </time>
  );
}
