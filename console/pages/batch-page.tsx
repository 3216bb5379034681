import { useCallback } from 'preact/hooks';
import type { Batch } from '../api/batch.ts';
import { readBatch } from '../api/read-batch.ts';
import { reuse } from '../api/reuse.ts';
import { isRunning, nameOf } from '../format/batch-facts.ts';
import { oneLine } from '../format/shown.ts';
import { secondsToNextLook } from '../look-times.ts';
import { StatusMark } from '../parts/batch-marks.tsx';
import { CopyButton } from '../parts/copy-button.tsx';
import { Loading, Problem, Stale } from '../parts/notices.tsx';
import { linkTo } from '../routes.ts';
import { useSignedIn } from '../signed-in.ts';
import { usePolled } from '../use-polled.ts';
import { useTitle } from '../use-title.ts';
import { BatchActions } from './batch/batch-actions.tsx';
import { OneRequest } from './batch/one-request.tsx';
import { Overview } from './batch/overview.tsx';
import { Requests } from './batch/requests.tsx';

interface BatchPageProps {
  id: string;
  part: string;
  /** Of one request, where the page is about that. */
  line: string | null;
  query: URLSearchParams;
}

/** Everything about one batch. */
export function BatchPage({ id, part, line, query }: BatchPageProps) {
  const { deployment } = useSignedIn();
  const tenant = query.get('tenant');
  const load = useCallback(
    async (signal: AbortSignal, before: Batch | null) =>
      reuse(readBatch(await deployment.retrieveBatch(id, signal, tenant === null ? {} : { tenant })), before),
    [deployment, id, tenant],
  );
  const {
    value: batch,
    error,
    reload,
  } = usePolled(load, {
    key: `${id} ${tenant}`,
    seconds: (seen) => (seen === null || isRunning(seen) ? secondsToNextLook(ageOf(seen)) : null),
  });
  useTitle(batch === null ? 'Batch' : oneLine(nameOf(batch), 60));
  if (batch === null)
    return error === null ? <Loading what="the batch" lines={12} /> : <NotShown error={error} retry={reload} />;
  return (
    <>
      <Stale error={error} retry={reload} />
      <Head batch={batch} reload={reload} isForeign={tenant !== null} />
      <Parts batch={batch} part={part} tenant={tenant} />
      {part === 'requests' && line !== null && <OneRequest batch={batch} line={line} query={query} />}
      {part === 'requests' && line === null && <Requests batch={batch} query={query} />}
      {part === 'overview' && <Overview batch={batch} tenant={tenant} />}
    </>
  );
}

/** In seconds. */
function ageOf(batch: Batch | null): number {
  return batch?.created_at == null ? 0 : Date.now() / 1_000 - batch.created_at;
}

function NotShown({ error, retry }: { error: unknown; retry: () => void }) {
  return (
    <>
      <Problem error={error} retry={retry} />
      <p>
        <a href={linkTo(['batches'])}>All batches</a>
      </p>
    </>
  );
}

function Head({ batch, reload, isForeign }: { batch: Batch; reload: () => void; isForeign: boolean }) {
  const name = nameOf(batch);
  return (
    <div class="page-head">
      <div class="title">
        <p class="crumbs">
          <a href={linkTo(['batches'])}>Batches</a>
        </p>
        <h1>
          <bdi>{oneLine(name, 300)}</bdi> <StatusMark batch={batch} />
        </h1>
        <p class="muted ids">
          <code>{batch.id}</code>
          <CopyButton text={batch.id} what="the batch's id" />
        </p>
      </div>
      {!isForeign && <BatchActions batch={batch} reload={reload} />}
    </div>
  );
}

function Parts({ batch, part, tenant }: { batch: Batch; part: string; tenant: string | null }) {
  // Requests and answers are their own tenant's alone, whoever operates the deployment.
  const link = (name: string, path: string[], label: string) => (
    <a href={linkTo(['batches', batch.id, ...path], { tenant })} aria-current={part === name ? 'page' : undefined}>
      {label}
    </a>
  );
  return (
    <nav class="tabs" aria-label="Parts of the batch">
      {link('overview', [], 'Overview')}
      {tenant === null && link('requests', ['requests'], 'Requests')}
    </nav>
  );
}
