import type { BatchRecord } from '../records/batch.ts';
import { ProviderAuthenticationError } from '../records/errors.ts';
import type { MetricDimensions, MetricName } from '../records/metrics.ts';

/** What the pipeline counts: numbers and the names of providers and models, never a payload. */
export interface Metrics {
  add(name: MetricName, value: number, dimensions?: MetricDimensions): void;
}

/** For everywhere but AWS. */
export const silentMetrics: Metrics = { add: () => undefined };

/** To be called by the run that sent the batch's event, so that each batch counts once. */
export function countEnded(services: { metrics: Metrics; now(): number }, batch: BatchRecord): void {
  services.metrics.add('BatchesEnded', 1, { status: batch.status });
  services.metrics.add('BatchSeconds', Math.max(0, Math.round(services.now() / 1_000) - batch.createdAt));
}

/** A refused key stops all work of its provider until somebody changes it. */
export function countRefusedKey(services: { metrics: Metrics }, error: unknown): void {
  if (error instanceof ProviderAuthenticationError) services.metrics.add('RefusedKeys', 1);
}
