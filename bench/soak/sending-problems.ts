import type { BatchRecord } from '../../lib/records/batch.ts';
import type { ShardRecord } from '../../lib/records/shard.ts';
import type { Creation } from './simulated-providers.ts';

/** A batch at a provider, by what its line ids say about it: see lib/records/ids.ts. */
interface Sending {
  creation: Creation;
  round: number;
  shard: number;
}

/**
 * What is wrong with what a batch sent: a shard that a provider accepted twice, unless it had failed the first one as a
 * whole; a line that went again while an earlier sending lived; more lines than there are.
 */
export function sendingProblems(
  batch: BatchRecord,
  shards: readonly ShardRecord[],
  creations: readonly Creation[],
): string[] {
  const sendings = creations.flatMap((creation) => sendingOf(batch, creation) ?? []);
  const unknown = shards.filter(({ live, providerBatchId: id }) => {
    return !live && id !== null && !creations.some((creation) => creation.providerBatchId === id);
  });
  if (batch.rounds.length === 0)
    return sendings.map(({ creation }) => `${creation.providerBatchId} was created although nothing was to be sent.`);
  const problems = sendings.flatMap((earlier) => sendings.flatMap((later) => pairProblems(earlier, later)));
  const byShard = Map.groupBy(sendings, ({ round, shard }) => `${round}/${shard}`);
  for (const [name, same] of byShard) problems.push(...repeatProblems(name, same));
  problems.push(...unknown.map((shard) => `${shard.providerBatchId} of ${shard.provider} was never created there.`));
  return [...problems, ...sizeProblems(shards, sendings), ...roundProblems(batch, sendings)];
}

function sendingOf(batch: BatchRecord, creation: Creation): Sending | null {
  const [id = ''] = creation.requestIds;
  if (id.slice(1, 33) !== batch.id.slice('batch_'.length)) return null;
  return {
    creation,
    round: Number.parseInt(id.slice(33, 35), 36),
    shard: Number.parseInt(id.slice(35, 39), 36),
  };
}

/** A line goes again in a later round, or with its shard as a whole: by then nothing of it may live. */
function pairProblems(earlier: Sending, later: Sending): string[] {
  const isSameShard = earlier.round === later.round && earlier.shard === later.shard;
  const isAgain =
    isSameShard && earlier !== later
      ? earlier.creation.createdAtMs <= later.creation.createdAtMs
      : earlier.round < later.round;
  if (!isAgain || (earlier.creation.endedAtMs ?? Number.POSITIVE_INFINITY) <= later.creation.createdAtMs) return [];
  return [`${earlier.creation.providerBatchId} lived while ${later.creation.providerBatchId} was created.`];
}

/** All but the last sending of a shard must have been failed as a whole, as OpenAI does with a full queue. */
function repeatProblems(name: string, sendings: Sending[]): string[] {
  const inOrder = sendings.toSorted((left, right) => left.creation.createdAtMs - right.creation.createdAtMs);
  return inOrder
    .slice(0, -1)
    .filter(({ creation }) => !creation.hasFailed)
    .map(({ creation }) => `Shard ${name} was accepted again after ${creation.providerBatchId}.`);
}

/** Each accepted batch holds its shard's lines, all of them and no others. A shard whose batch failed may have been taken apart since. */
function sizeProblems(shards: readonly ShardRecord[], sendings: readonly Sending[]): string[] {
  return sendings.flatMap(({ creation, round, shard }) => {
    const record = shards.find((one) => one.round === round && one.shard === shard);
    if (record ? record.lineCount === creation.requestIds.length : creation.hasFailed) return [];
    return [`${creation.providerBatchId} has ${creation.requestIds.length} lines, its shard ${record?.lineCount}.`];
  });
}

function roundProblems(batch: BatchRecord, sendings: readonly Sending[]): string[] {
  const rounds = Math.max(-1, ...sendings.map((sending) => sending.round)) + 1;
  return rounds <= batch.options.max_attempts ? [] : [`It was sent in ${rounds} rounds.`];
}

/** How many batches of an account were open at once. */
export function mostOpenAtOnce(creations: readonly Creation[]): number {
  const changes = creations.flatMap(({ createdAtMs, endedAtMs }) => [
    { atMs: createdAtMs, by: 1 },
    { atMs: endedAtMs ?? Number.POSITIVE_INFINITY, by: -1 },
  ]);
  let open = 0;
  let most = 0;
  for (const { by } of changes.toSorted((left, right) => left.atMs - right.atMs || left.by - right.by)) {
    open += by;
    most = Math.max(most, open);
  }
  return most;
}
