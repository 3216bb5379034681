/** The namespace of our metrics in CloudWatch; their dimension `service` is the stack's name. */
export const metricsNamespace = 'Batchdrop';

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
  /** Shards and batches with a step that failed five times in a row, at each sweep. */
  FailingShards: 'Count',
  /** Shards whose next action has been due for half an hour, at each sweep. */
  OverdueShards: 'Count',
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
