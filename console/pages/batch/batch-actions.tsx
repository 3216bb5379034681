import { useState } from 'preact/hooks';
import type { Batch } from '../../api/batch.ts';
import { isDryRun, isRunning } from '../../format/batch-facts.ts';
import { counted } from '../../format/numbers.ts';
import { announce } from '../../parts/announcer.tsx';
import { ConfirmButton } from '../../parts/confirm-button.tsx';
import { Problem } from '../../parts/notices.tsx';
import { goTo, linkTo } from '../../routes.ts';
import { useSignedIn } from '../../signed-in.ts';

/** What can be done with a batch now. */
export function BatchActions({ batch, reload }: { batch: Batch; reload: () => void }) {
  const canCancel = isRunning(batch) && batch.status !== 'cancelling';
  const canRetry = !isRunning(batch) && batch.request_counts.failed > 0 && batch.error_file_id !== null;
  return (
    <div class="head-actions">
      <Downloads batch={batch} />
      {canRetry && <RetryButton batch={batch} />}
      {!isRunning(batch) && batch.input_file_id !== null && <DuplicateButton batch={batch} />}
      {canCancel && <CancelButton batch={batch} reload={reload} />}
    </div>
  );
}

function CancelButton({ batch, reload }: { batch: Batch; reload: () => void }) {
  const { deployment } = useSignedIn();
  const { total, completed, failed } = batch.request_counts;
  const act = async () => {
    await deployment.cancelBatch(batch.id);
    announce('The batch is being cancelled.');
    reload();
  };
  return (
    <ConfirmButton label="Cancel batch" question="Cancel this batch?" tone="danger" act={act}>
      <p>
        What is answered is kept. {total > 0 && `${counted(total - completed - failed, 'request')} without an answer `}
        {total > 0 ? 'end as errors, and can be sent again by a retry.' : 'Nothing was sent yet.'} What a provider is
        working on already may still be billed.
      </p>
    </ConfirmButton>
  );
}

function RetryButton({ batch }: { batch: Batch }) {
  const { deployment } = useSignedIn();
  const act = async () => {
    const { id } = await deployment.retryBatch(batch.id);
    announce('The retry batch was made.');
    goTo(linkTo(['batches', id]));
  };
  return (
    <ConfirmButton
      label="Retry failed"
      question={`Send ${counted(batch.request_counts.failed, 'failed request')} again?`}
      act={act}
    >
      <p>
        They become a batch of their own with the same options, and are paid for as usual. Asked again, it leads to the
        same batch. Requests that were refused for what they say will be refused again.
      </p>
    </ConfirmButton>
  );
}

function DuplicateButton({ batch }: { batch: Batch }) {
  const { deployment } = useSignedIn();
  const act = async () => {
    const { metadata, input_file_id: input } = batch;
    if (input === null) return;
    const { endpoint: _stated, dry_run: _dry, ...options } = batch.batchdrop.options ?? {};
    const body = {
      ...options,
      ...(metadata && { metadata }),
      input_file_id: input,
      endpoint: batch.endpoint,
      completion_window: '24h' as const,
    };
    const { id } = await deployment.createBatch(body, { idempotencyKey: crypto.randomUUID() });
    announce('The new batch was made.');
    goTo(linkTo(['batches', id]));
  };
  return (
    <ConfirmButton
      label={isDryRun(batch) ? 'Run it' : 'Duplicate'}
      question={isDryRun(batch) ? 'Run this batch now?' : 'Run the same file again?'}
      act={act}
    >
      <p>
        All {counted(batch.request_counts.total || (batch.batchdrop.report?.lines ?? 0), 'request')} of the file are
        sent
        {isDryRun(batch) ? '' : ' again'}, with the same options, and are paid for.
      </p>
    </ConfirmButton>
  );
}

interface Downloadable {
  label: string;
  fileId: string;
}

function filesOf(batch: Batch): Downloadable[] {
  const { table } = batch.batchdrop;
  const parts = table?.parts ?? [];
  return [
    ...(batch.output_file_id === null ? [] : [{ label: 'Answers', fileId: batch.output_file_id }]),
    ...(batch.error_file_id === null ? [] : [{ label: 'Errors', fileId: batch.error_file_id }]),
    ...parts.map(({ file_id: fileId }, index) => ({
      label: parts.length === 1 ? 'Table' : `Table ${index + 1}/${parts.length}`,
      fileId,
    })),
    ...(batch.input_file_id?.startsWith('file-') ? [{ label: 'Input', fileId: batch.input_file_id }] : []),
  ];
}

/** Parts of a large table beyond these are fetched by other means. */
const maxDownloads = 6;

/** Leads to a link that holds for minutes; the browser downloads from there. */
function Downloads({ batch }: { batch: Batch }) {
  const { deployment } = useSignedIn();
  const [error, setError] = useState<unknown>(null);
  const download = async (fileId: string) => {
    setError(null);
    try {
      const { url } = await deployment.fileLink(fileId);
      location.assign(url); // an attachment: the page stays
    } catch (failure) {
      setError(failure);
    }
  };
  const files = filesOf(batch);
  return (
    <>
      {files.slice(0, maxDownloads).map(({ label, fileId }) => (
        <button
          key={fileId}
          type="button"
          class="button"
          onClick={() => download(fileId)}
          aria-label={`Download ${label.toLowerCase()}`}
        >
          ↓ {label}
        </button>
      ))}
      {error !== null && <Problem error={error} />}
    </>
  );
}
