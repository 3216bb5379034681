import { useCallback } from 'preact/hooks';
import type { BatchRequest } from '../../../lib/records/batch-request.ts';
import type { Batch } from '../../api/batch.ts';
import { reuse } from '../../api/reuse.ts';
import { answeredIn, askedIn } from '../../format/conversation.ts';
import { curlOf, jsonlOf } from '../../format/copied-forms.ts';
import { bytesText, countText } from '../../format/numbers.ts';
import { oneLine, shown } from '../../format/shown.ts';
import { Conversation, LongText } from '../../parts/conversation.tsx';
import { CopyButton } from '../../parts/copy-button.tsx';
import { Loading, Problem } from '../../parts/notices.tsx';
import { linkTo } from '../../routes.ts';
import { useSignedIn } from '../../signed-in.ts';
import { usePolled } from '../../use-polled.ts';
import { bodyAnswered, bodyAsked } from './requests.tsx';

/** One line in full: the request beside its answer. */
export function OneRequest({ batch, line, query }: { batch: Batch; line: string; query: URLSearchParams }) {
  const { deployment } = useSignedIn();
  const load = useCallback(
    async (signal: AbortSignal, before: BatchRequest | null) =>
      reuse(await deployment.retrieveRequest(batch.id, Number(line), signal), before),
    [deployment, batch.id, line],
  );
  const {
    value: request,
    error,
    reload,
  } = usePolled(load, {
    key: `${batch.id} ${line} ${batch.status}`,
    seconds: (seen) => (seen?.status === 'in_progress' ? 10 : null),
  });
  const to = (other: number) => linkTo(['batches', batch.id, 'requests', other], Object.fromEntries(query));
  const number = Number(line);
  return (
    <>
      <div class="section-head line-head">
        <h2>Line {countText(number)}</h2>
        <div class="head-actions">
          {number > 1 && (
            <a class="button small" href={to(number - 1)}>
              ← {countText(number - 1)}
            </a>
          )}
          {number < batch.request_counts.total && (
            <a class="button small" href={to(number + 1)}>
              {countText(number + 1)} →
            </a>
          )}
          <a class="button small" href={linkTo(['batches', batch.id, 'requests'], Object.fromEntries(query))}>
            Back to the list
          </a>
        </div>
      </div>
      {request === null &&
        (error === null ? <Loading what="the request" lines={8} /> : <Problem error={error} retry={reload} />)}
      {request !== null && <Both request={request} />}
    </>
  );
}

function Both({ request }: { request: BatchRequest }) {
  return (
    <div class="beside">
      <section aria-label="Request">
        <div class="section-head">
          <h3>
            <bdi>{oneLine(request.custom_id ?? 'no custom_id', 200)}</bdi>
          </h3>
          {request.request !== null && !request.truncated && (
            <div class="head-actions">
              <CopyButton text={() => jsonlOf(request.request)} what="the request as JSONL" label="Copy JSONL" />
              <CopyButton
                text={() => curlOf(request.request ?? {})}
                what="the request as a call of curl"
                label="Copy curl"
              />
            </div>
          )}
        </div>
        <Size bytes={request.request_bytes} isCut={request.truncated} />
        {request.request === null ? (
          <p class="muted">The request is no longer there.</p>
        ) : (
          <Conversation turns={askedIn(bodyAsked(request))} />
        )}
        <Raw value={request.request} title="The whole line" />
      </section>
      <section aria-label="Answer">
        <div class="section-head">
          <h3>
            {request.status === 'in_progress' ? 'No answer yet' : request.status === 'failed' ? 'Error' : 'Answer'}
          </h3>
        </div>
        <Size bytes={request.response_bytes} isCut={request.truncated} />
        {request.error !== null && (
          <div class="notice bad">
            <code>
              <bdi>{oneLine(request.error.code ?? request.code ?? 'error', 100)}</bdi>
            </code>
            <LongText text={request.error.message ?? ''} kind="text" />
          </div>
        )}
        {request.response !== null && <Conversation turns={answeredIn(bodyAnswered(request))} />}
        <Raw value={request.response} title="The whole answer" />
      </section>
    </div>
  );
}

function Size({ bytes, isCut }: { bytes: number | null; isCut: boolean }) {
  if (bytes === null) return null;
  return (
    <p class="muted">
      {bytesText(bytes)}
      {isCut && ', shown in part; the files of the batch have it whole'}
    </p>
  );
}

function Raw({ value, title }: { value: unknown; title: string }) {
  if (value === null) return null;
  return (
    <details>
      <summary>{shown(title)}</summary>
      <LongText text={JSON.stringify(value, null, 2)} kind="json" />
    </details>
  );
}
