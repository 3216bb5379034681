import type { ComponentChildren } from 'preact';
import type { Breakdown } from '../../../lib/records/shard-view.ts';
import type { Batch, Cost } from '../../api/batch.ts';
import { endedAt, isDryRun, isRunning, isSimulated, timeLeft } from '../../format/batch-facts.ts';
import { counted, countText, dollarsText } from '../../format/numbers.ts';
import { shown } from '../../format/shown.ts';
import { durationText, timeText } from '../../format/times.ts';
import { Dollars, ProgressBar, progressText } from '../../parts/batch-marks.tsx';
import { LongText } from '../../parts/conversation.tsx';
import { Section } from '../../parts/notices.tsx';
import { linkTo } from '../../routes.ts';
import { useNow } from '../../use-now.ts';
import { CompletionChart } from './completion-chart.tsx';
import { ErrorGroups } from './error-groups.tsx';
import { InputErrors } from './input-errors.tsx';
import { ReportSection } from './report-section.tsx';
import { Shards } from './shards.tsx';
import { Timeline } from './timeline.tsx';

/** How a batch is, why, and what it costs. */
export function Overview({ batch, tenant }: { batch: Batch; tenant: string | null }) {
  const { shards = [], report } = batch.batchdrop;
  return (
    <>
      <Facts batch={batch} tenant={tenant} />
      <Waiting batch={batch} />
      <InputErrors batch={batch} />
      <div class="columns">
        <div>
          {batch.request_counts.failed > 0 && <ErrorGroups batch={batch} tenant={tenant} />}
          {shards.length > 0 && <Shards batch={batch} tenant={tenant} />}
          <Spent batch={batch} />
          {report && <ReportSection report={report} isDryRun={isDryRun(batch)} />}
        </div>
        <div>
          <Timeline batch={batch} />
          <CompletionChart batch={batch} />
          <Options batch={batch} />
          <Receipt batch={batch} />
        </div>
      </div>
    </>
  );
}

function Fact({ label, children, note }: { label: string; children: ComponentChildren; note?: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{label}</dt>
      <dd>
        <strong>{children}</strong>
        {note && <small class="muted">{note}</small>}
      </dd>
    </div>
  );
}

function Facts({ batch, tenant }: { batch: Batch; tenant: string | null }) {
  const now = useNow(1);
  const { request_counts: counts, batchdrop } = batch;
  const left = timeLeft(batch, now);
  const ended = endedAt(batch);
  const begun = batch.created_at;
  return (
    <dl class="facts">
      <Fact label="Answered" note={<ProgressBar counts={counts} label="Progress" />}>
        {counts.total === 0 ? '–' : `${countText(counts.completed)} of ${countText(counts.total)}`}{' '}
        <span class="muted">{progressText(counts)}</span>
      </Fact>
      <Fact
        label="Failed"
        note={
          counts.failed === 0
            ? 'no request'
            : tenant === null && (
                <a href={linkTo(['batches', batch.id, 'requests'], { status: 'failed' })}>look at them</a>
              )
        }
      >
        <span class={counts.failed > 0 ? 'bad-text' : ''}>{countText(counts.failed)}</span>
      </Fact>
      <Fact
        label={batchdrop.cost ? 'Cost' : 'Cost so far'}
        note={batchdrop.report && estimateNote(batchdrop.report.estimatedCost, batchdrop.report.isOutputBound)}
      >
        <Dollars cost={batchdrop.cost ?? costSoFar(batchdrop.breakdown)} />
      </Fact>
      {isRunning(batch) ? (
        <Fact label="Time left, estimated" note={left?.basis}>
          {left?.left ?? 'not known yet'}
        </Fact>
      ) : (
        <Fact label="Took" note={ended !== null && `ended ${timeText(ended)}`}>
          {ended !== null && begun !== null ? durationText(ended - begun) : '–'}
        </Fact>
      )}
    </dl>
  );
}

function estimateNote({ usd, unpriced }: Cost, isBound = false): string {
  if (usd === null) return `no price is known for ${unpriced.map(shown).join(', ')}`;
  return `estimated ${isBound ? 'at most about' : 'about'} ${dollarsText(usd)} before it was sent`;
}

/** Of what was collected; the batch's own cost stands at its end. */
function costSoFar(breakdown: readonly Breakdown[] | undefined): Cost | null {
  if (!breakdown?.some(({ usage }) => usage.total_tokens > 0)) return null;
  const costs = breakdown.flatMap(({ cost }) => cost ?? []);
  const unpriced = [...new Set(costs.flatMap((cost) => cost.unpriced))];
  const simulated = [...new Set(costs.flatMap((cost) => cost.simulated ?? []))];
  const usd = costs.reduce((sum, cost) => sum + (cost.usd ?? 0), 0);
  return { usd: unpriced.length > 0 && usd === 0 ? null : usd, unpriced, simulated };
}

/** Why it makes no progress, since when and what is tried next. */
function Waiting({ batch }: { batch: Batch }) {
  const now = useNow(1);
  const { waiting } = batch.batchdrop;
  if (!waiting || !isRunning(batch)) return null;
  const next = waiting.next_at === null ? '' : ` The next try is in ${durationText(waiting.next_at - now)}.`;
  return (
    <div class="notice warn" role="status">
      <strong>It waits{waiting.since === null ? '' : ` since ${durationText(now - waiting.since)}`}.</strong>{' '}
      <bdi>{shown(waiting.reason)}</bdi>
      {waiting.tries > 0 && ` Tried ${counted(waiting.tries, 'time')}.`}
      {next}
    </div>
  );
}

const kindsOfTokens = [
  ['input', 'in'],
  ['cached', 'of it cached'],
  ['written', 'of it written to a cache'],
  ['output', 'out'],
  ['reasoning', 'of it reasoning'],
] as const;

function tokensOf({ usage }: Pick<Breakdown, 'usage'>): Record<(typeof kindsOfTokens)[number][0], number> {
  return {
    input: usage?.input_tokens ?? 0,
    cached: usage?.input_tokens_details.cached_tokens ?? 0,
    written: usage?.input_tokens_details.cache_write_tokens ?? 0,
    output: usage?.output_tokens ?? 0,
    reasoning: usage?.output_tokens_details.reasoning_tokens ?? 0,
  };
}

/** Tokens and dollars, by model and kind. */
function Spent({ batch }: { batch: Batch }) {
  const rows = batch.batchdrop.breakdown ?? [];
  if (rows.length === 0) return null;
  const shownKinds = kindsOfTokens.filter(
    ([kind]) => kind === 'input' || kind === 'output' || rows.some((row) => tokensOf(row)[kind] > 0),
  );
  return (
    <Section
      title="Tokens and cost"
      aside={isRunning(batch) && <span class="muted">of what was collected so far</span>}
    >
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Model</th>
              <th scope="col" class="number">
                Requests
              </th>
              {shownKinds.map(([kind, label]) => (
                <th key={kind} scope="col" class="number">
                  {kind === 'input' || kind === 'output' ? `Tokens ${label}` : label}
                </th>
              ))}
              <th scope="col" class="number">
                Cost
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={`${row.provider} ${row.model} ${row.endpoint}`}>
                <th scope="row">
                  <bdi>{shown(row.model)}</bdi>{' '}
                  <small class="muted">
                    {row.provider} {row.endpoint}
                  </small>
                </th>
                <td class="number">{countText(row.requests)}</td>
                {shownKinds.map(([kind]) => (
                  <td key={kind} class="number">
                    {countText(tokensOf(row)[kind])}
                  </td>
                ))}
                <td class="number">
                  <Dollars cost={row.cost} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.some(({ cost }) => isSimulated(cost)) && (
        <p class="muted">What is marked “sim” came from simulators: nobody pays it.</p>
      )}
    </Section>
  );
}

function Options({ batch }: { batch: Batch }) {
  const { options = {}, retry_of: retryOf, ignored_metadata: ignored = [] } = batch.batchdrop;
  const rows = [
    ...Object.entries(options),
    ...Object.entries(batch.metadata ?? {}).map(([label, value]) => [`metadata.${label}`, value] as const),
  ];
  return (
    <Section title="Options">
      <dl class="pairs">
        {retryOf && (
          <div>
            <dt>retry of</dt>
            <dd>
              <a href={linkTo(['batches', retryOf])}>{retryOf.slice(0, 14)}…</a>
            </dd>
          </div>
        )}
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>
              <bdi>{shown(name)}</bdi>
            </dt>
            <dd>
              <bdi>{typeof value === 'string' ? shown(value) : shown(JSON.stringify(value))}</bdi>
            </dd>
          </div>
        ))}
      </dl>
      {ignored.length > 0 && <p class="muted">No options, and left alone: {ignored.map(shown).join(', ')}</p>}
    </Section>
  );
}

function Receipt({ batch }: { batch: Batch }) {
  const { receipt } = batch.batchdrop;
  if (!receipt) return null;
  return (
    <Section title="Receipt">
      <details>
        <summary>What was sent where, with hashes of the results</summary>
        <LongText text={JSON.stringify(receipt, null, 2)} kind="json" />
      </details>
    </Section>
  );
}
