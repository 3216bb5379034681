// Source: Amazon Bedrock's quotas and API reference, read 2026-11.

/** Records in one job. */
export const maxRecords = 50_000;
export const minRecords = 100;
/** Jobs in one page of the list, however many are asked for. */
export const maxListed = 20;
export const defaultTimeoutHours = 24;
export const accountId = '000000000000';
export const region = 'us-east-1';
