import type { BatchRecord, Cost } from '../../records/batch.ts';
import { holdsLines, lostRequests, type ShardRecord } from '../../records/shard.ts';
import { addUsage, noUsage, type Usage } from '../../records/usage.ts';
import type { WrittenObject } from '../../store/object-writer.ts';
import { costOf, isSimulated, spentOn } from '../cost.ts';
import type { Services } from '../services.ts';
import { invalidOutputCount } from '../table-view.ts';

export interface ResultFiles {
  output: WrittenObject | null;
  errors: WrittenObject | null;
}

/**
 * What was sent where and what it gave: the account of a batch, kept in `batch.json`.
 *
 * @param shards all that there are, those that were taken apart too.
 */
export function receiptOf(services: Services, batch: BatchRecord, shards: readonly ShardRecord[], files: ResultFiles) {
  const sent = shards.filter((shard) => shard.provider !== null);
  return {
    rounds: batch.rounds.length - new Set(sent.flatMap((shard) => (shard.rereads ? [shard.round] : []))).size,
    sendings: sent.reduce((sum, shard) => sum + shard.attempts, 0),
    provider_batches: sent.map((shard) => providerBatchOf(services, shard)),
    breakdown: breakdownOf(services, sent),
    invalid_outputs: invalidOutputCount(batch),
    usage: usageOfShards(shards),
    cost: costOfShards(services, shards),
    assumptions: batch.report?.assumptions ?? [],
    input: batch.input,
    output: fileOf(files.output),
    errors: fileOf(files.errors),
    /** Follows the end: see `addToSummary`. */
    retry: null,
  };
}

function providerBatchOf(services: Services, shard: ShardRecord) {
  return {
    round: shard.round,
    shard: shard.shard,
    provider: shard.provider,
    model: shard.model,
    endpoint: shard.endpoint,
    provider_batch_id: shard.providerBatchId,
    provider_status: shard.providerStatus,
    end: shard.status === 'split' ? shard.status : (shard.end?.reason ?? null),
    parts: shard.parts,
    part_of: shard.partOf?.shard ?? null,
    refusal: shard.refusal && { code: shard.refusal.code, message: shard.refusal.message },
    sendings: shard.attempts,
    is_read_again: shard.rereads !== null,
    requests: shard.lineCount,
    completed: shard.result?.completed ?? 0,
    failed: shard.result?.failed ?? 0,
    retryable: shard.result?.retryable ?? 0,
    missing: shard.result?.missing ?? 0,
    lost: shard.result?.lost ?? 0,
    malformed: shard.result?.malformed ?? 0,
    doubled: shard.result?.doubled ?? 0,
    foreign: shard.result?.foreign ?? 0,
    usage: shard.result?.usage ?? null,
    cost_usd: shard.result?.costUsd ?? null,
    submitted_at: inSeconds(shard.submittedAtMs),
    ended_at: inSeconds(shard.endedAtMs),
    raw_results: (shard.result?.rawKeys ?? []).map((key) => `s3://${services.objects.bucket}/${key}`),
    result_sha256: shard.result?.sourceSha256 ?? [],
  };
}

/**
 * The same sums for each provider, model and endpoint. A request counts once, however often it was sent.
 *
 * @param openRound the last round of a batch that still runs: what is not answered there has not failed yet.
 */
export function breakdownOf(services: Services, sent: readonly ShardRecord[], openRound: number | null = null) {
  const groups = Map.groupBy(sent, ({ provider, model, endpoint }) => JSON.stringify([provider, model, endpoint]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const { provider, model, endpoint } = first;
    const requests = sumOf(group, (shard) => (shard.round === 0 && holdsLines(shard) ? shard.lineCount : 0));
    const completed = sumOf(group, (shard) => shard.result?.completed ?? 0);
    const failed = openRound === null ? requests - completed : failedSoFar(group, openRound);
    const counts = { requests, completed, failed };
    const paid = { usage: usageOfShards(group), cost: costOfShards(services, group) };
    return [{ provider, model, endpoint, ...counts, ...paid }];
  });
}

/** What may be sent again went on in a further round. */
function failedSoFar(shards: readonly ShardRecord[], openRound: number): number {
  return sumOf(
    shards,
    ({ round, result }) => (result?.failed ?? 0) - (round < openRound ? (result?.retryable ?? 0) : 0),
  );
}

function sumOf(shards: readonly ShardRecord[], number: (shard: ShardRecord) => number): number {
  return shards.reduce((sum, shard) => sum + number(shard), 0);
}

/** A result file as the receipt names it. */
export function fileOf(file: WrittenObject | null) {
  if (!file) return null;
  const { bucket, key, bytes, sha256, sections } = file;
  return { uri: `s3://${bucket}/${key}`, bytes, sha256, ...(sections.length > 1 && { parts: sections }) };
}

function inSeconds(milliseconds: number | null): number | null {
  return milliseconds === null ? null : Math.floor(milliseconds / 1_000);
}

/** Tokens of all sendings: what is paid for. */
export function usageOfShards(shards: readonly ShardRecord[]): Usage {
  return shards.reduce((sum, shard) => (shard.result ? addUsage(sum, shard.result.usage) : sum), noUsage);
}

/** The price of an account that left the configuration is not known. */
export function costOfShards(services: Services, shards: readonly ShardRecord[]): Cost {
  return costOf(
    shards.flatMap((shard) => {
      const { provider, model, result } = shard;
      if (provider === null || !result || result.usage.total_tokens === 0) return [];
      const ways = { isSingle: shard.live !== null, isSimulated: isSimulated(services, provider) };
      return [{ provider, model, usd: spentOn(services, shard), ...ways }];
    }),
    lostRequests(shards),
  );
}
