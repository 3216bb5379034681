import type { MetricDimensions, MetricName } from '../../records/metrics.ts';
import type { ShardRecord } from '../../records/shard.ts';
import { spentOn } from '../cost.ts';
import type { Metrics } from '../metrics.ts';
import type { Services } from '../services.ts';

/** To be called by the run that wrote the results down, so that each sending counts once. */
export function countCollected(services: Services, shard: ShardRecord): void {
  const { provider, model, result } = shard;
  if (provider === null || !result) return;
  const { metrics } = services;
  const of = { provider, model };
  addSome(metrics, 'Lines', result.completed, { ...of, outcome: 'completed' });
  addSome(metrics, 'Lines', shard.rereads ? 0 : result.failed, { ...of, outcome: 'failed' });
  addSome(metrics, 'Tokens', result.usage.input_tokens, { ...of, direction: 'input' });
  addSome(metrics, 'Tokens', result.usage.output_tokens, { ...of, direction: 'output' });
  addSome(metrics, 'CostUsd', spentOn(services, shard) ?? 0, of);
  addSome(metrics, 'BadResultLines', result.doubled + result.malformed + result.foreign + result.missing, {});
}

/** Zeros would only make more metrics to pay for. */
function addSome(metrics: Metrics, name: MetricName, value: number, dimensions: MetricDimensions): void {
  if (value > 0) metrics.add(name, value, dimensions);
}
