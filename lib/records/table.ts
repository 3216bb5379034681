/**
 * The one DynamoDB table, as CDK deploys it (on demand) and the local runtime creates it. All keys are strings.
 *
 * Decisions are never taken from an index; both only find records.
 */
export const table = {
  partitionKey: 'pk',
  sortKey: 'sk',
  indexes: {
    /** A tenant's batches and files by time of creation. */
    byTenant: { name: 'byTenant', partitionKey: 'tenantKey', sortKey: 'createdKey', projection: 'ALL' },
    /** Sparse: a record is in it as long as it has `unfinishedKey`. Batches, and removals by the time when they are due. */
    unfinished: { name: 'unfinished', partitionKey: 'unfinishedKey', sortKey: 'createdKey', projection: 'KEYS_ONLY' },
  },
  /** Unix seconds after which DynamoDB removes the record. The local table keeps it. */
  timeToLiveAttribute: 'expiresAt',
} as const;
