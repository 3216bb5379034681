import type { FunctionName } from '../lib/records/function-timeouts.ts';

/** What a function gets, and so what a second of it costs. */
export interface Size {
  memoryMiB: number;
  /** Size of its temporary folder. 512 MiB are free. */
  temporaryMiB?: number;
}

/** A whole processor: Lambda gives CPU by memory. Source: AWS Lambda, "Configure function memory". */
const oneProcessorMiB = 1_769;

/**
 * Functions that call and wait get 512 MiB: with a quarter of a processor a cold start of 0.2 s of import work takes
 * under a second, which a batch does not notice. Functions that stream get a whole processor, since parsing and hashing
 * bind them; their memory is flat. All are below the 3,008 MiB that a new account may use.
 */
export const sizeOf: Record<FunctionName, Size> = {
  intake: { memoryMiB: 512 },
  poll: { memoryMiB: 512 },
  sweep: { memoryMiB: 512 },
  /** Holds a hash of every custom_id, 15 to 23 bytes each: at most 230 MB for 10 million lines. */
  prepare: { memoryMiB: oneProcessorMiB },
  /**
   * The largest provider batch is 256 MB, measured at 114 MB of memory for 800 MB sent from a file. The temporary folder
   * holds it while it is sent, and what runs that were killed left there: 4 x 256 MB.
   */
  submit: { memoryMiB: oneProcessorMiB, temporaryMiB: 1_024 },
  /**
   * The temporary folder holds a shard's answers. The most that Lambda gives: 107 kB for each of 100,000 requests, some
   * 27,000 tokens. It costs $0.0003 for 15 minutes.
   */
  collect: { memoryMiB: oneProcessorMiB, temporaryMiB: 10_240 },
  /** From S3 to S3; memory holds the indexes, 40 bytes a line and round. */
  finalize: { memoryMiB: oneProcessorMiB },
  /** Somebody waits for it, also for its cold start; it decodes uploads of 4 MiB and merges their parts. */
  api: { memoryMiB: oneProcessorMiB },
};

/** Half of the young generation, in MiB. With 8 a stream takes some 8% more processor time, with 32 some 25 MB more memory. */
const semiSpaceMiB = 16;

/**
 * How Node shares out a function's memory. Lambda's own choice is 5% of it for a semi-space and 90% for the heap, and with that
 * a long stream of lines takes 580 MB, most of it garbage: the young generation grows to its limit, however little is alive.
 * Whoever sets one of the two sets both, since Lambda then leaves the other to V8.
 */
export function nodeOptionsFor({ memoryMiB }: Size): string {
  return `--max-semi-space-size=${semiSpaceMiB} --max-old-space-size=${Math.floor(0.9 * memoryMiB)}`;
}
