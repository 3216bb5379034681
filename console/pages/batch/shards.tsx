import { useState } from 'preact/hooks';
import type { ShardView } from '../../../lib/records/shard-view.ts';
import type { Batch } from '../../api/batch.ts';
import { counted, countText } from '../../format/numbers.ts';
import { oneLine, shown } from '../../format/shown.ts';
import { durationText, timeText } from '../../format/times.ts';
import { Simulated } from '../../parts/batch-marks.tsx';
import { CopyButton } from '../../parts/copy-button.tsx';
import { Problem, Section } from '../../parts/notices.tsx';
import { useSignedIn } from '../../signed-in.ts';
import { useNow } from '../../use-now.ts';

/** More are shown when somebody asks. */
const shownAtFirst = 50;
const moreAtOnce = 500;

/** The provider batches, by provider: where each is, and why it waits. */
export function Shards({ batch, tenant }: { batch: Batch; tenant: string | null }) {
  const { deployment } = useSignedIn();
  const { shards = [], shards_omitted: omitted = 0 } = batch.batchdrop;
  const [more, setMore] = useState<readonly ShardView[]>([]);
  const [limit, setLimit] = useState(shownAtFirst);
  const [error, setError] = useState<unknown>(null);
  const all = [...shards, ...more];
  const total = shards.length + omitted;
  const showMore = async () => {
    setError(null);
    setLimit(limit + moreAtOnce);
    const last = all.at(-1);
    if (limit + moreAtOnce <= all.length || all.length >= total || !last) return;
    const query = { after: last.id, limit: moreAtOnce, ...(tenant !== null && { tenant }) };
    await deployment
      .listShards(batch.id, query)
      .then(({ data }) => setMore([...more, ...data]))
      .catch(setError);
  };
  const rows = all.slice(0, limit);
  return (
    <Section title="Shards" aside={<span class="muted">{summaryOf(all, total)}</span>}>
      {[...Map.groupBy(rows, ({ provider }) => provider)].map(([provider, group]) => (
        <ShardTable key={provider} provider={provider} shards={group} />
      ))}
      {rows.length < total && (
        <button type="button" class="button small" onClick={showMore}>
          Show more of {counted(total, 'shard')}
        </button>
      )}
      {error !== null && <Problem error={error} />}
    </Section>
  );
}

function summaryOf(shards: readonly ShardView[], total: number): string {
  const byStatus = [...Map.groupBy(shards, ({ status }) => status)].map(
    ([status, group]) => `${countText(group.length)} ${status}`,
  );
  return shards.length < total
    ? `${counted(total, 'shard')}; of the first ${countText(shards.length)}: ${byStatus.join(', ')}`
    : byStatus.join(', ');
}

function ShardTable({ provider, shards }: { provider: string | null; shards: readonly ShardView[] }) {
  const isSimulated = shards.some((shard) => shard.is_simulated);
  return (
    <div class="scroll">
      <table class="shards">
        <caption>
          {provider ?? 'Refused by validation'}
          {isSimulated && <Simulated />}
        </caption>
        <thead>
          <tr>
            <th scope="col">Shard</th>
            <th scope="col">State</th>
            <th scope="col">Model</th>
            <th scope="col">Provider's batch</th>
            <th scope="col" class="number">
              Requests
            </th>
            <th scope="col" class="number">
              Answered
            </th>
            <th scope="col" class="number">
              Failed
            </th>
            <th scope="col" class="number">
              Attempts
            </th>
          </tr>
        </thead>
        <tbody>
          {shards.map((shard) => (
            <ShardRow key={`${shard.round}-${shard.shard}`} shard={shard} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ShardRow({ shard }: { shard: ShardView }) {
  const now = useNow(10);
  const { provider_batch_id: providerBatchId, provider_status: providerStatus } = shard;
  return (
    <>
      <tr>
        <th scope="row">
          {shard.round + 1}.{shard.shard + 1}
        </th>
        <td>
          <span class={`state ${shard.status}`}>{shard.status}</span>
          {providerStatus !== null && <small class="muted"> {oneLine(providerStatus, 40)}</small>}
          <Since shard={shard} now={now} />
        </td>
        <td>
          <bdi>{oneLine(shard.model, 60)}</bdi>
        </td>
        <td class="id">
          {providerBatchId === null ? (
            <span class="muted">{shard.is_live ? 'sent one by one' : '–'}</span>
          ) : (
            <>
              <code title={shown(providerBatchId)}>{oneLine(providerBatchId, 22)}</code>
              <CopyButton text={providerBatchId} what="the provider's id of the batch" />
            </>
          )}
        </td>
        <td class="number">{countText(shard.requests)}</td>
        <td class="number">{countText(shard.completed)}</td>
        <td class={`number ${shard.failed > 0 ? 'bad-text' : ''}`}>{countText(shard.failed)}</td>
        <td class="number">{countText(shard.attempts)}</td>
      </tr>
      <Why shard={shard} now={now} />
    </>
  );
}

function Since({ shard, now }: { shard: ShardView; now: number }) {
  const at = shard.collected_at ?? shard.ended_at ?? shard.submitted_at ?? shard.created_at;
  if (at === null) return null;
  const isOver = shard.status === 'collected' || shard.status === 'split';
  return (
    <small class="muted" title={timeText(at)}>
      {' '}
      {isOver
        ? `after ${durationText(at - (shard.submitted_at ?? shard.created_at ?? at))}`
        : `since ${durationText(now - at)}`}
    </small>
  );
}

/** Why it waits, what went wrong with it, and what became of it. */
function Why({ shard, now }: { shard: ShardView; now: number }) {
  const { waiting, last_error: lastError, end, parts } = shard;
  const remarks = [
    ...(waiting ? [waitingText(waiting, now)] : []),
    ...(parts && parts.length > 0
      ? [`Taken apart: its requests are in ${parts.map((part) => `${shard.round + 1}.${part + 1}`).join(', ')}.`]
      : []),
    ...(end && end.reason !== 'completed' && lastError === null ? [`${end.reason}: ${end.code}`] : []),
    ...(lastError !== null && !waiting ? [lastError] : []),
  ];
  if (remarks.length === 0) return null;
  return (
    <tr class="why">
      <td colSpan={8}>
        {remarks.map((remark) => (
          <p key={remark}>
            <bdi>{oneLine(remark, 600)}</bdi>
          </p>
        ))}
      </td>
    </tr>
  );
}

function waitingText(
  { reason, since, tries, next_at: nextAt }: NonNullable<ShardView['waiting']>,
  now: number,
): string {
  const when = since === null ? 'Waits' : `Waits since ${durationText(now - since)}`;
  const tried = tries > 0 ? `, tried ${counted(tries, 'time')}` : '';
  const next = nextAt === null || nextAt <= now ? '' : `, next in ${durationText(nextAt - now)}`;
  return `${when}${tried}${next}: ${reason}`;
}
