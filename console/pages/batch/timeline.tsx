import type { Batch } from '../../api/batch.ts';
import { isDryRun, isRunning } from '../../format/batch-facts.ts';
import { clockText, durationText, timeText } from '../../format/times.ts';
import { Section } from '../../parts/notices.tsx';
import { useNow } from '../../use-now.ts';

interface Moment {
  what: string;
  at: number;
}

/** From the drop to the event that says how it ended. */
export function Timeline({ batch }: { batch: Batch }) {
  const now = useNow(1);
  const moments = momentsOf(batch);
  const first = moments[0];
  return (
    <Section title="Timeline">
      <ol class="timeline">
        {moments.map(({ what, at }, index) => (
          <li key={what} class={index === moments.length - 1 && !isRunning(batch) ? 'last' : ''}>
            <span>{what}</span>
            <time dateTime={new Date(at * 1_000).toISOString()} title={timeText(at)}>
              {index === 0 ? timeText(at) : clockText(at)}
            </time>
            <span class="muted">{first && index > 0 ? `+${durationText(at - first.at)}` : ''}</span>
          </li>
        ))}
        {isRunning(batch) && batch.expires_at !== null && (
          <li class="ahead">
            <span>ends at the latest</span>
            <time dateTime={new Date(batch.expires_at * 1_000).toISOString()}>{timeText(batch.expires_at)}</time>
            <span class="muted">in {durationText(batch.expires_at - now)}</span>
          </li>
        )}
      </ol>
    </Section>
  );
}

function momentsOf(batch: Batch): Moment[] {
  const moment = (what: string, at: number | null) => (at === null ? [] : [{ what, at }]);
  const { shards = [] } = batch.batchdrop;
  const times = (of: 'submitted_at' | 'collected_at') => shards.flatMap((shard) => shard[of] ?? []);
  const ended = isDryRun(batch) ? 'dry run ended' : 'completed';
  return [
    ...moment('handed over', batch.created_at),
    ...moment('validated', batch.in_progress_at),
    ...moment('first shard sent', least(times('submitted_at'))),
    ...moment('first answers collected', least(times('collected_at'))),
    ...moment('cancelled by somebody', batch.cancelling_at),
    ...moment('all collected, being merged', batch.finalizing_at),
    ...moment(`${ended}; event sent`, batch.completed_at),
    ...moment('failed; event sent', batch.failed_at),
    ...moment('expired; event sent', batch.expired_at),
    ...moment('cancelled; event sent', batch.cancelled_at),
  ].toSorted((left, right) => left.at - right.at);
}

function least(times: readonly number[]): number | null {
  return times.length === 0 ? null : times.reduce((left, right) => Math.min(left, right));
}
