import { useCallback } from 'preact/hooks';
import type { Batch } from '../../api/batch.ts';
import { readBatch } from '../../api/read-batch.ts';
import { reuse } from '../../api/reuse.ts';
import { isRunning } from '../../format/batch-facts.ts';
import { counted } from '../../format/numbers.ts';
import { Loading, Problem, Section } from '../../parts/notices.tsx';
import { linkTo } from '../../routes.ts';
import { useSignedIn } from '../../signed-in.ts';
import { usePolled } from '../../use-polled.ts';
import { InputErrors } from '../batch/input-errors.tsx';
import { ReportSection } from '../batch/report-section.tsx';

/** What a dry run of the file found. */
export function Check({ id, isBusy, start }: { id: string; isBusy: boolean; start: () => void }) {
  const { deployment } = useSignedIn();
  const load = useCallback(
    async (signal: AbortSignal, before: Batch | null) =>
      reuse(readBatch(await deployment.retrieveBatch(id, signal)), before),
    [deployment, id],
  );
  const {
    value: batch,
    error,
    reload,
  } = usePolled(load, {
    key: id,
    seconds: (seen) => (seen === null || isRunning(seen) ? 1 : null),
  });
  if (batch === null)
    return error === null ? <Loading what="the check" lines={4} /> : <Problem error={error} retry={reload} />;
  if (isRunning(batch)) return <Loading what="what the check finds" lines={4} />;
  return (
    <div class="check">
      <Verdict batch={batch} isBusy={isBusy} start={start} />
      <InputErrors batch={batch} />
      {batch.batchdrop.report && <ReportSection report={batch.batchdrop.report} isDryRun />}
    </div>
  );
}

function Verdict({ batch, isBusy, start }: { batch: Batch; isBusy: boolean; start: () => void }) {
  const errors = batch.batchdrop.error_count ?? 0;
  const isFine = batch.status === 'completed';
  const invalid = batch.batchdrop.report?.invalidLines ?? 0;
  return (
    <Section title="The check">
      <div class={`notice ${isFine ? (invalid > 0 ? 'warn' : 'good') : 'bad'}`} role="status">
        {isFine
          ? `It can be started.${invalid > 0 ? ` ${counted(invalid, 'invalid line')} would become errors.` : ''} Nothing was sent so far.`
          : `It would be refused: ${counted(errors, 'error')}. Correct the file, and drop it again.`}{' '}
        <a href={linkTo(['batches', batch.id])}>The check as a batch</a>
      </div>
      {isFine && (
        <div class="actions start">
          <button type="button" class="button primary" disabled={isBusy} onClick={start}>
            Start the batch
          </button>
        </div>
      )}
    </Section>
  );
}
