import { useCallback } from 'preact/hooks';
import type { BatchErrors } from '../../../lib/records/error-group.ts';
import type { Batch } from '../../api/batch.ts';
import { reuse } from '../../api/reuse.ts';
import { isRunning } from '../../format/batch-facts.ts';
import { counted, countText } from '../../format/numbers.ts';
import { oneLine, shown } from '../../format/shown.ts';
import { timeText } from '../../format/times.ts';
import { Loading, Problem, Section } from '../../parts/notices.tsx';
import { linkTo } from '../../routes.ts';
import { useSignedIn } from '../../signed-in.ts';
import { usePolled } from '../../use-polled.ts';

/** Failed requests by code, with an example of each and what to do about it. */
export function ErrorGroups({ batch, tenant }: { batch: Batch; tenant: string | null }) {
  const { deployment } = useSignedIn();
  const load = useCallback(
    async (signal: AbortSignal, before: BatchErrors | null) =>
      reuse(await deployment.batchErrors(batch.id, tenant === null ? {} : { tenant }, signal), before),
    [deployment, batch.id, tenant],
  );
  const { value, error, reload } = usePolled(load, {
    key: `${batch.id} ${tenant} ${batch.status}`,
    seconds: () => (isRunning(batch) ? 15 : null),
  });
  const aside = value !== null && <span class="muted">{asideText(batch, value)}</span>;
  return (
    <Section title="Why requests failed" aside={aside}>
      {value === null &&
        (error === null ? <Loading what="the errors" lines={3} /> : <Problem error={error} retry={reload} />)}
      {value !== null && <GroupList batch={batch} errors={value} tenant={tenant} />}
    </Section>
  );
}

function asideText(batch: Batch, { is_partial: isPartial, looked }: BatchErrors): string {
  if (isPartial) return `of the first ${counted(looked, 'error')}`;
  return isRunning(batch) ? 'so far; some may be sent again' : '';
}

function GroupList({ batch, errors, tenant }: { batch: Batch; errors: BatchErrors; tenant: string | null }) {
  const { gone } = errors;
  if (gone !== null)
    return (
      <p class="muted">
        The errors are gone{gone.since === null ? '' : ` since ${timeText(gone.since)}`}: {shown(gone.reason)}
      </p>
    );
  if (errors.data.length === 0) return <p class="muted">They are counted, and not written down yet.</p>;
  return (
    <ul class="errors">
      {errors.data.map(
        ({ code, count, is_retryable: isRetryable, custom_id: customId, line, message, next_step: nextStep }) => (
          <li key={code}>
            <div class="error-head">
              <strong class="number">{countText(count)}</strong>
              <code>
                <bdi>{oneLine(code, 80)}</bdi>
              </code>
              {isRetryable && (
                <span class="tag" title="They may succeed if they are sent again">
                  may pass
                </span>
              )}
              {tenant === null && (
                <a
                  href={linkTo(['batches', batch.id, 'requests'], { code })}
                  aria-label={`look at them, who failed with ${code}`}
                >
                  look at them
                </a>
              )}
            </div>
            <p>
              <bdi>{oneLine(message, 400)}</bdi>
            </p>
            <p class="muted">
              {customId !== null && (
                <>
                  For example{' '}
                  {tenant === null ? (
                    <a href={linkTo(['batches', batch.id, 'requests', line])}>
                      <bdi>{oneLine(customId, 80)}</bdi>
                    </a>
                  ) : (
                    <bdi>{oneLine(customId, 80)}</bdi>
                  )}
                  .{' '}
                </>
              )}
              {nextStep}
            </p>
          </li>
        ),
      )}
    </ul>
  );
}
