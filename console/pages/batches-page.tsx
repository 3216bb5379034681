import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { batchStatuses } from '../../lib/records/openai-batch.ts';
import type { Batch } from '../api/batch.ts';
import { type BatchFilters, type KnownBatches, loadOlder, refreshBatches } from '../api/known-batches.ts';
import { isRunning, isSimulated, nameOf, timeLeft } from '../format/batch-facts.ts';
import { counted, countText, dollarsText } from '../format/numbers.ts';
import { oneLine } from '../format/shown.ts';
import { shortTimeText } from '../format/times.ts';
import { listSeconds } from '../look-times.ts';
import { Ago, Dollars, ProgressBar, progressText, StatusMark } from '../parts/batch-marks.tsx';
import { FilterChoice, FilterInput } from '../parts/filter-input.tsx';
import { Empty, Loading, Problem, Stale } from '../parts/notices.tsx';
import { GridPart, useMedia, Windowed } from '../parts/windowed.tsx';
import { linkTo, replaceWith } from '../routes.ts';
import { useSignedIn } from '../signed-in.ts';
import { useNow } from '../use-now.ts';
import { type Polled, usePolled } from '../use-polled.ts';
import { useTitle } from '../use-title.ts';

/** The list of batches, as it changes. */
export function BatchesPage({ query }: { query: URLSearchParams }) {
  useTitle('Batches');
  const { deployment } = useSignedIn();
  const filters = filtersOf(query);
  const key = query.toString();
  const [older, setOlder] = useState<{ key: string; known: KnownBatches } | null>(null);
  const polled = usePolled<KnownBatches>(
    (signal, before) =>
      refreshBatches(deployment, filters, laterOf(before, older?.key === key ? older.known : null), signal),
    {
      key,
      seconds: (known) => (known === null || known.batches.some(isRunning) ? listSeconds.running : listSeconds.quiet),
    },
  );
  const known = laterOf(polled.value, older?.key === key ? older.known : null);
  const more = async () => {
    if (known) setOlder({ key, known: await loadOlder(deployment, filters, known, new AbortController().signal) });
  };
  return (
    <>
      <div class="page-head">
        <h1>Batches</h1>
      </div>
      <Filters query={query} />
      <BatchList polled={polled} known={known} isFiltered={key !== ''} tenant={query.get('tenant')} more={more} />
    </>
  );
}

/** What was loaded by hand stays, though a look that had begun before ends later. */
function laterOf(polled: KnownBatches | null, older: KnownBatches | null): KnownBatches | null {
  if (polled === null || older === null) return polled ?? older;
  return older.batches.length > polled.batches.length ? older : polled;
}

interface BatchListProps {
  polled: Polled<KnownBatches>;
  known: KnownBatches | null;
  isFiltered: boolean;
  tenant: string | null;
  more: () => Promise<void>;
}

function BatchList({ polled, known, isFiltered, tenant, more }: BatchListProps) {
  if (known === null) {
    if (polled.error !== null) return <Problem error={polled.error} retry={polled.reload} />;
    return <Loading what="batches" lines={10} />;
  }
  if (known.batches.length === 0 && known.next === null) return isFiltered ? <NoneFound known={known} /> : <NoneYet />;
  return (
    <>
      <Stale error={polled.error} retry={polled.reload} />
      <BatchRows batches={known.batches} tenant={tenant} />
      <Foot known={known} isFiltered={isFiltered} more={more} />
    </>
  );
}

function NoneYet() {
  return (
    <Empty title="No batches yet">
      <p>
        <a href={linkTo(['new'])}>Drop a file of requests here</a>, put one into the bucket under <code>inbox/</code>,
        or send one with <code>batchdrop submit FILE</code>. It appears here by itself.
      </p>
    </Empty>
  );
}

function NoneFound({ known }: { known: KnownBatches }) {
  return (
    <Empty title="No batch fits these filters">
      <p>
        All {counted(known.looked, 'batch', 'batches')} were looked at. <a href={linkTo(['batches'])}>Show all</a>
      </p>
    </Empty>
  );
}

const columns = {
  name: 'Batch',
  status: 'Status',
  progress: 'Progress',
  requests: 'Requests',
  failed: 'Failed',
  cost: 'Cost',
  left: 'Time left',
  age: 'Age',
} as const;

type Column = keyof typeof columns;

function BatchRows({ batches, tenant }: { batches: readonly Batch[]; tenant: string | null }) {
  const now = useNow(10);
  const isNarrow = useMedia('(max-width: 719px)');
  return (
    <GridPart class="rows" role="table" aria-label="Batches" aria-rowcount={batches.length + 1}>
      <GridPart role="rowgroup">
        <GridPart class="row head" role="row" aria-rowindex={1}>
          {Object.entries(columns).map(([column, title]) => (
            <GridPart key={column} role="columnheader" class={`${column}-cell`}>
              {title}
            </GridPart>
          ))}
        </GridPart>
      </GridPart>
      <Windowed
        items={batches}
        rowHeight={isNarrow ? 100 : 52}
        row={(batch, index) => <BatchRow key={batch.id} batch={batch} index={index} now={now} tenant={tenant} />}
      />
    </GridPart>
  );
}

interface BatchRowProps {
  batch: Batch;
  index: number;
  now: number;
  /** Whose it is, where it is not the key's own tenant. */
  tenant: string | null;
}

function BatchRow({ batch, index, now, tenant }: BatchRowProps) {
  const { request_counts: counts, batchdrop } = batch;
  const left = timeLeft(batch, now);
  const name = oneLine(nameOf(batch));
  return (
    <Cells index={index}>
      {{
        name: (
          <>
            <a href={linkTo(['batches', batch.id], { tenant: tenant })} title={name}>
              <bdi>{name}</bdi>
            </a>
            <small class="muted">
              <bdi>{oneLine(batch.model ?? modelsText(batch))}</bdi>
            </small>
          </>
        ),
        status: <StatusMark batch={batch} />,
        progress: (
          <>
            <ProgressBar counts={counts} label={`Progress of ${name}`} />
            <small class="muted">
              {batchdrop.waiting && isRunning(batch) ? oneLine(batchdrop.waiting.reason, 60) : progressText(counts)}
            </small>
          </>
        ),
        requests: counts.total === 0 ? '' : countText(counts.total),
        failed: counts.failed === 0 ? '' : <span class="bad-text">{countText(counts.failed)}</span>,
        cost:
          isRunning(batch) || batch.batchdrop.cost == null ? (
            <Dollars cost={batchdrop.cost ?? batchdrop.report?.estimatedCost} isEstimate={batchdrop.cost == null} />
          ) : (
            <Dollars cost={batchdrop.cost} />
          ),
        left: <span title={left?.basis}>{left?.left ?? ''}</span>,
        age: <Ago at={batch.created_at} now={now} />,
      }}
    </Cells>
  );
}

function Cells({ index, children }: { index: number; children: Record<Column, ComponentChildren> }) {
  return (
    <GridPart class="row" role="row" aria-rowindex={index + 2}>
      {Object.entries(children).map(([name, cell]) => (
        <GridPart key={name} role="cell" class={`${name}-cell`}>
          {cell}
        </GridPart>
      ))}
    </GridPart>
  );
}

function modelsText({ batchdrop: { report } }: Batch): string {
  const models = [...new Set((report?.shards ?? []).map(({ model }) => model))];
  return models.length > 2 ? `${models.slice(0, 2).join(', ')} and ${models.length - 2} more` : models.join(', ');
}

/** Sums of what is loaded, and a way to what is not. */
function Foot({ known, isFiltered, more }: { known: KnownBatches; isFiltered: boolean; more: () => Promise<void> }) {
  const [isLoading, setLoading] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const load = async () => {
    setLoading(true);
    setError(null);
    await more().catch(setError);
    setLoading(false);
  };
  return (
    <div class="foot">
      <p class="muted">{sumsText(known.batches)}</p>
      {isFiltered && known.lookedTo !== null && (
        <p class="muted">
          Looked at {counted(known.looked, 'batch', 'batches')}, back to {shortTimeText(known.lookedTo)}.
        </p>
      )}
      {known.next === null ? (
        <p class="muted">There are no older ones{isFiltered ? ' that fit' : ''}.</p>
      ) : (
        <button type="button" class="button" disabled={isLoading} onClick={load}>
          {isLoading ? 'Loading…' : isFiltered ? 'Look further back' : 'Load older ones'}
        </button>
      )}
      {error !== null && <Problem error={error} />}
    </div>
  );
}

function sumsText(batches: readonly Batch[]): string {
  const running = batches.filter(isRunning).length;
  const sum = (of: (batch: Batch) => number) => batches.reduce((total, batch) => total + of(batch), 0);
  const dollars = (simulated: boolean) =>
    sum(({ batchdrop: { cost } }) => (isSimulated(cost) === simulated ? (cost?.usd ?? 0) : 0));
  const failed = sum(({ request_counts: counts }) => counts.failed);
  const parts = [
    `${counted(batches.length, 'batch', 'batches')} loaded${running > 0 ? `, ${countText(running)} under way` : ''}`,
    `${counted(
      sum(({ request_counts: counts }) => counts.total),
      'request',
    )}${failed > 0 ? `, ${countText(failed)} failed` : ''}`,
    dollarsText(dollars(false)),
    ...(dollars(true) > 0 ? [`${dollarsText(dollars(true))} simulated, which nobody pays`] : []),
  ];
  return parts.join(' · ');
}

const statusChoices = [
  ['', 'any status'],
  ['validating,in_progress,finalizing,cancelling', 'under way'],
  ...batchStatuses.map((status): [string, string] => [status, status.replace('_', ' ')]),
] as const;

function Filters({ query }: { query: URLSearchParams }) {
  const { isOperator } = useSignedIn();
  const put = (name: string) => (value: string) =>
    replaceWith(linkTo(['batches'], { ...Object.fromEntries(query), [name]: value }));
  const of = (name: string) => ({ value: query.get(name) ?? '', put: put(name) });
  return (
    <search class="filters">
      <FilterInput label="Name" placeholder="part of it, or *" {...of('name')} />
      <FilterChoice label="Status" choices={statusChoices} {...of('status')} />
      <FilterInput label="Model" {...of('model')} />
      <FilterInput label="Label" placeholder="team=search" {...of('label')} />
      <FilterInput label="Since" type="date" {...of('since')} />
      <FilterInput label="Until" type="date" {...of('until')} />
      {isOperator && <FilterInput label="Tenant" {...of('tenant')} />}
      {query.size > 0 && (
        <a class="button quiet" href={linkTo(['batches'])}>
          Show all
        </a>
      )}
    </search>
  );
}

function filtersOf(query: URLSearchParams): BatchFilters {
  const text = (name: 'status' | 'name' | 'model' | 'tenant') => {
    const value = query.get(name);
    return value ? { [name]: value } : {};
  };
  const since = dayStart(query.get('since'));
  const until = dayStart(query.get('until'));
  const [label = '', ...value] = (query.get('label') ?? '').split('=');
  return {
    ...text('status'),
    ...text('name'),
    ...text('model'),
    ...text('tenant'),
    ...(since !== null && { created_after: since }),
    ...(until !== null && { created_before: until + 86_400 }),
    ...(label !== '' && { metadata: { [label.trim()]: value.join('=').trim() } }),
  };
}

/** The beginning of a local day, in unix seconds. */
function dayStart(day: string | null): number | null {
  const time = day ? new Date(`${day}T00:00:00`).getTime() : Number.NaN;
  return Number.isNaN(time) ? null : Math.floor(time / 1_000);
}
