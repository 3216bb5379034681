import { useCallback } from 'preact/hooks';
import type { DeploymentRequestList } from '../../../lib/client/deployment/replies.ts';
import { type BatchRequest, type Gone as GoneRecord, requestStatuses } from '../../../lib/records/batch-request.ts';
import type { Batch } from '../../api/batch.ts';
import { reuse } from '../../api/reuse.ts';
import { isRunning } from '../../format/batch-facts.ts';
import { answeredIn, askedIn, excerptOf } from '../../format/conversation.ts';
import { counted, countText } from '../../format/numbers.ts';
import { oneLine, shown } from '../../format/shown.ts';
import { timeText } from '../../format/times.ts';
import { FilterChoice, FilterInput } from '../../parts/filter-input.tsx';
import { Empty, Loading, Problem, Stale } from '../../parts/notices.tsx';
import { linkTo, replaceWith } from '../../routes.ts';
import { useSignedIn } from '../../signed-in.ts';
import { usePolled } from '../../use-polled.ts';

const pageItems = 50;
const excerptLength = 240;

/** The requests of a batch beside their answers, a page at a time. */
export function Requests({ batch, query }: { batch: Batch; query: URLSearchParams }) {
  const { deployment } = useSignedIn();
  const key = query.toString();
  const load = useCallback(
    async (signal: AbortSignal, before: DeploymentRequestList | null) =>
      reuse(await deployment.listRequests(batch.id, queryOf(query), signal), before),
    [deployment, batch.id, key],
  );
  const {
    value: page,
    error,
    reload,
  } = usePolled(load, {
    key: `${batch.id} ${key} ${batch.status}`,
    seconds: () => (isRunning(batch) ? 10 : null),
  });
  return (
    <>
      <RequestFilters batch={batch} query={query} />
      {page === null &&
        (error === null ? <Loading what="requests" lines={12} /> : <Problem error={error} retry={reload} />)}
      {page !== null && <Stale error={error} retry={reload} />}
      {page !== null && <PageOfRequests batch={batch} page={page} query={query} />}
    </>
  );
}

function queryOf(query: URLSearchParams) {
  const after = Number(query.get('after') ?? 0);
  const status = requestStatuses.find((each) => each === query.get('status'));
  const [code, q] = ['code', 'q'].map((name) => query.get(name) || undefined);
  return {
    limit: pageItems,
    ...(after > 0 && { after }),
    ...(status !== undefined && { status }),
    ...(code !== undefined && { code }),
    ...(q !== undefined && { q }),
  };
}

const statusChoices = [
  ['', 'all'],
  ['failed', 'failed'],
  ['completed', 'answered'],
  ['in_progress', 'without an answer yet'],
] as const;

function RequestFilters({ batch, query }: { batch: Batch; query: URLSearchParams }) {
  const go = (next: Record<string, string>) => replaceWith(linkTo(['batches', batch.id, 'requests'], next));
  // Another filter begins at the beginning.
  const put = (name: string) => (value: string) => go({ ...Object.fromEntries(query), after: '', [name]: value });
  const of = (name: string) => ({ value: query.get(name) ?? '', put: put(name) });
  const after = Number(query.get('after') ?? 0);
  return (
    <search class="filters">
      <FilterChoice label="Show" choices={statusChoices} {...of('status')} />
      <FilterInput label="Error code" {...of('code')} />
      <FilterInput label="Text" placeholder="in id, request or answer" {...of('q')} />
      <FilterInput
        label="From line"
        value={after > 0 ? String(after + 1) : ''}
        put={(line) =>
          go({ ...Object.fromEntries(query), after: Number(line) > 1 ? String(Math.floor(Number(line)) - 1) : '' })
        }
      />
    </search>
  );
}

function PageOfRequests({ batch, page, query }: { batch: Batch; page: DeploymentRequestList; query: URLSearchParams }) {
  const isFiltered = ['status', 'code', 'q'].some((name) => query.get(name));
  return (
    <>
      <Gone page={page} />
      {page.data.length > 0 && <RequestTable batch={batch} requests={page.data} query={query} />}
      {page.data.length === 0 && <NoRequests batch={batch} page={page} isFiltered={isFiltered} />}
      <Turning batch={batch} page={page} query={query} isFiltered={isFiltered} />
    </>
  );
}

function Gone({ page: { batchdrop } }: { page: DeploymentRequestList }) {
  return (
    <>
      <GoneNotice what="requests" gone={batchdrop.requests_gone} />
      <GoneNotice what="answers" gone={batchdrop.answers_gone} />
    </>
  );
}

function GoneNotice({ what, gone }: { what: string; gone: GoneRecord | null }) {
  if (gone === null) return null;
  return (
    <div class="notice">
      The {what} are gone{gone.since === null ? '' : ` since ${timeText(gone.since)}`}: {shown(gone.reason)}
    </div>
  );
}

function NoRequests({ batch, page, isFiltered }: { batch: Batch; page: DeploymentRequestList; isFiltered: boolean }) {
  if (isFiltered && page.batchdrop.total > 0)
    return (
      <Empty title={page.batchdrop.next === null ? 'No request fits' : 'None of those looked at fits'}>
        <p>
          {counted(page.batchdrop.looked, 'request')} were looked at
          {page.batchdrop.looked_to === null ? '' : `, up to line ${countText(page.batchdrop.looked_to)}`}.
        </p>
      </Empty>
    );
  return (
    <Empty title="No requests to show">
      <p>
        {isRunning(batch)
          ? 'They appear once the input was read and validated.'
          : 'Nothing of this batch was sent; the overview says why.'}
      </p>
    </Empty>
  );
}

function RequestTable({
  batch,
  requests,
  query,
}: {
  batch: Batch;
  requests: readonly BatchRequest[];
  query: URLSearchParams;
}) {
  return (
    <div class="scroll">
      <table class="requests">
        <thead>
          <tr>
            <th scope="col" class="number">
              Line
            </th>
            <th scope="col">Request</th>
            <th scope="col">Answer</th>
          </tr>
        </thead>
        <tbody>
          {requests.map((request) => (
            <tr key={request.line}>
              <td class="number">
                <a
                  href={linkTo(['batches', batch.id, 'requests', request.line], Object.fromEntries(query))}
                  aria-label={`Line ${request.line} in full`}
                >
                  {countText(request.line)}
                </a>
              </td>
              <td>
                <code class="custom-id">
                  <bdi>{oneLine(request.custom_id ?? 'no custom_id', 120)}</bdi>
                </code>
                <p>
                  <bdi>{oneLine(excerptOf(askedIn(bodyAsked(request))), excerptLength)}</bdi>
                </p>
              </td>
              <td>
                <AnswerCell request={request} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The body of a request line, in either form. */
export function bodyAsked({ request }: BatchRequest): unknown {
  return request === null ? null : (request.body ?? request.params);
}

/** The body of a result line, in either form. */
export function bodyAnswered({ response }: BatchRequest): unknown {
  return response === null ? null : (response.body ?? response.message ?? null);
}

function AnswerCell({ request }: { request: BatchRequest }) {
  if (request.status === 'in_progress') return <span class="muted">not yet</span>;
  if (request.error !== null || request.status === 'failed')
    return (
      <>
        <code class="bad-text">
          <bdi>{oneLine(request.code ?? request.error?.code ?? 'failed', 80)}</bdi>
        </code>
        <p>
          <bdi>{oneLine(request.error?.message ?? '', excerptLength)}</bdi>
        </p>
      </>
    );
  return (
    <p>
      <bdi>{oneLine(excerptOf(answeredIn(bodyAnswered(request))), excerptLength)}</bdi>
    </p>
  );
}

function Turning({
  batch,
  page,
  query,
  isFiltered,
}: {
  batch: Batch;
  page: DeploymentRequestList;
  query: URLSearchParams;
  isFiltered: boolean;
}) {
  const to = (after: number) =>
    linkTo(['batches', batch.id, 'requests'], { ...Object.fromEntries(query), after: after > 0 ? String(after) : '' });
  const after = Number(query.get('after') ?? 0);
  const [first, last] = [page.data.at(0)?.line, page.data.at(-1)?.line];
  const lookedText =
    isFiltered && page.batchdrop.looked_to !== null
      ? ` Looked at up to line ${countText(page.batchdrop.looked_to)}.`
      : '';
  return (
    <div class="foot turning">
      {after > 0 && (
        <a class="button" href={to(isFiltered ? 0 : Math.max(0, after - pageItems))}>
          {isFiltered ? 'From the beginning' : '← Before'}
        </a>
      )}
      <p class="muted">
        {first !== undefined &&
          last !== undefined &&
          `Lines ${countText(first)} to ${countText(last)} of ${countText(page.batchdrop.total)}.`}
        {lookedText}
      </p>
      {page.batchdrop.next !== null && (
        <a class="button" href={to(page.batchdrop.next)}>
          {isFiltered ? 'Look further →' : 'Next →'}
        </a>
      )}
    </div>
  );
}
