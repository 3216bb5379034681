import type { BatchRecord } from '../core/batch.ts';
import { ProviderAuthenticationError } from '../core/errors.ts';
import type { ShardRecord } from '../core/shard.ts';
import { costOf } from './cost.ts';
import type { Services } from './services.ts';

/** Every metric there is, with its unit as CloudWatch spells it. */
export const metricUnits = {
  /** Drops that became a batch. */
  BatchesAccepted: 'Count',
  /** Drops that became none; their status file says why. */
  DropsRefused: 'Count',
  /** By `status`. */
  BatchesEnded: 'Count',
  /** From a batch's creation to its end. */
  BatchSeconds: 'Seconds',
  /** Requests whose results were collected, each sending counted, by `provider`, `model` and `outcome`. */
  Lines: 'Count',
  /** Tokens paid for, by `provider`, `model` and `direction`. */
  Tokens: 'Count',
  /** US dollars by the public price list at the batch discount, by `provider` and `model`; none without a known price. */
  CostUsd: 'None',
  /** Result lines that were damaged, doubled, missing or not ours. */
  BadResultLines: 'Count',
  /** Looks at a provider that answered a status we do not know. */
  UnknownStatuses: 'Count',
  /** Requests of which it could not be proven whether the provider accepted them. */
  UnconfirmedSubmissions: 'Count',
  /** Calls that a provider refused for the key. */
  RefusedKeys: 'Count',
  /** Batches that had lost their execution. */
  SweepRestarts: 'Count',
  /** Batches that have not ended, at each sweep. */
  UnfinishedBatches: 'Count',
  /** How far the oldest unfinished batch is past its deadline, at each sweep; 0 where none is. */
  OldestOverdueSeconds: 'Seconds',
} as const;

export type MetricName = keyof typeof metricUnits;

/** Each combination is a metric of its own, and is paid for as one. Alarms watch metrics without dimensions. */
export interface MetricDimensions {
  provider?: string;
  model?: string;
  status?: string;
  outcome?: 'completed' | 'failed';
  direction?: 'input' | 'output';
}

/** What the pipeline counts: numbers and the names of providers and models, never a payload. */
export interface Metrics {
  add(name: MetricName, value: number, dimensions?: MetricDimensions): void;
}

/** For everywhere but AWS. */
export const silentMetrics: Metrics = { add: () => undefined };

/** To be called by the run that wrote the results down, so that each sending counts once. */
export function countCollected(services: Services, shard: ShardRecord): void {
  const { provider, model, result } = shard;
  if (provider === null || !result) return;
  const { metrics } = services;
  const of = { provider, model };
  addSome(metrics, 'Lines', result.completed, { ...of, outcome: 'completed' });
  addSome(metrics, 'Lines', result.failed, { ...of, outcome: 'failed' });
  addSome(metrics, 'Tokens', result.usage.input_tokens, { ...of, direction: 'input' });
  addSome(metrics, 'Tokens', result.usage.output_tokens, { ...of, direction: 'output' });
  const account = services.account(provider);
  addSome(metrics, 'CostUsd', costOf([{ account, model, usage: result.usage }]).usd ?? 0, of);
  addSome(metrics, 'BadResultLines', result.doubled + result.malformed + result.foreign + result.missing, {});
}

/** To be called by the run that sent the batch's event, so that each batch counts once. */
export function countEnded(services: Services, batch: BatchRecord): void {
  services.metrics.add('BatchesEnded', 1, { status: batch.status });
  services.metrics.add('BatchSeconds', Math.max(0, Math.round(services.now() / 1_000) - batch.createdAt));
}

/** A refused key stops all work of its provider until somebody changes it. */
export function countRefusedKey(services: Services, error: unknown): void {
  if (error instanceof ProviderAuthenticationError) services.metrics.add('RefusedKeys', 1);
}

/** Zeros would only make more metrics to pay for. */
function addSome(metrics: Metrics, name: MetricName, value: number, dimensions: MetricDimensions): void {
  if (value > 0) metrics.add(name, value, dimensions);
}
