/**
 * Live calls gathered into batches: half price for code that calls an official SDK.
 *
 * @module
 */

export { type BatchingClientOptions, type BatchingOptions, batching, closeBatching } from './batching.ts';
export type { GatherOptions } from './live-run.ts';
