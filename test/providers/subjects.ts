import type { BatchProviderKind } from '../../lib/providers/config.ts';

/** What the contract suite must know of a provider to speak its language. */
export interface Subject {
  /** A model that its simulator has. */
  model: string;
  /** Members of its entry in the configuration beside kind, secret and baseUrl. */
  config?: object;
  /** Which call carries the lines: an upload before the create, or the create itself. `bucket`: the upload, to ours. */
  linesGoWith: 'upload' | 'create' | 'bucket';
  /** Whether it has an API key; without, its own tests say what becomes of a caller who may not. */
  hasKey: boolean;
  /** A well-formed id of a batch that there is not. */
  unknownId: string;
  /** Whether a lost create is proven while its batch still runs. */
  provesAtOnce: boolean;
  /** Whether a lost create is proven by our token or by nothing but its input file. */
  provesBy: 'token' | 'input file';
  /** False where its batches do not say how many requests are done. */
  hasCounts?: boolean;
  /** Whether nothing is left of a batch that was cancelled, neither counts nor answers. */
  isGoneOnceCancelled?: true;
  /** What the status of a batch reads like that nobody knows, where the provider has no words for statuses. */
  unknownStatus?: string;
  /** Batches in a page of its simulator's list. */
  pageSize: number;
  /** What has a result where a batch was cancelled or expired: every line, those that were done, or none at all. */
  earlyEnd: 'every line' | 'what was done' | 'nothing';
  /** What a server that takes everything must answer, beyond an `id`, for an upload and a creation to go through. */
  anything?: (origin: string) => { body: object; headers?: Record<string, string> };
  /** A first page of a list that promises another and does not say where it begins; where lists have no pages, no list. */
  halfList(): object;
}

const usual = { hasKey: true, earlyEnd: 'every line', unknownId: 'batch_unknown' } as const;

const ofOpenAIsFamily = {
  ...usual,
  linesGoWith: 'upload',
  provesAtOnce: true,
  provesBy: 'token',
  pageSize: 20,
  halfList: () => ({
    data: [{ id: 'a', status: 'completed', created_at: Date.now() / 1000 }],
    has_more: true,
    last_id: 'a',
  }),
} as const satisfies Partial<Subject>;

/** Whether its client is OpenAI's, up to a dialect. */
export function isOfOpenAIsFamily(kind: BatchProviderKind): boolean {
  return ['openai', 'azure', 'groq', 'together', 'xai', 'openai-compatible'].includes(kind);
}

export const subjects: Record<BatchProviderKind, Subject> = {
  openai: { ...ofOpenAIsFamily, model: 'gpt-4o-mini', pageSize: 100 },
  azure: { ...ofOpenAIsFamily, model: 'my-gpt-4o-batch' },
  together: {
    ...ofOpenAIsFamily,
    model: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
    provesBy: 'input file',
    hasCounts: false,
    pageSize: 0,
    halfList: () => ({ next: 'a' }),
  },
  xai: {
    ...ofOpenAIsFamily,
    model: 'grok-4',
    unknownStatus: 'state_without_counts',
    halfList: () => ({ batches: [], pagination_token: 'a' }),
  },
  groq: { ...ofOpenAIsFamily, model: 'llama-3.3-70b-versatile' },
  'openai-compatible': { ...ofOpenAIsFamily, model: 'my-model', provesBy: 'input file' },
  gemini: {
    ...usual,
    model: 'gemini-2.5-flash',
    linesGoWith: 'upload',
    provesAtOnce: true,
    provesBy: 'token',
    pageSize: 100,
    earlyEnd: 'nothing',
    anything: (origin) => ({
      body: { name: 'batches/1', file: { name: 'files/1' } },
      headers: { 'x-goog-upload-url': `${origin}/upload` },
    }),
    halfList: () => ({
      operations: [{ name: 'batches/a', metadata: { state: 'BATCH_STATE_SUCCEEDED' } }],
      nextPageToken: 'a',
    }),
  },
  vertex: {
    ...usual,
    model: 'gemini-2.5-flash',
    config: { project: 'our-project', location: 'us-central1', bucket: 'our-bucket' },
    linesGoWith: 'upload',
    provesAtOnce: true,
    provesBy: 'token',
    pageSize: 100,
    earlyEnd: 'what was done',
    anything: () => ({ body: { name: 'projects/p/locations/l/batchPredictionJobs/1' } }),
    halfList: () => ({
      batchPredictionJobs: [{ name: 'projects/p/locations/l/batchPredictionJobs/1', state: 'JOB_STATE_SUCCEEDED' }],
      nextPageToken: 'a',
    }),
  },
  mistral: {
    ...ofOpenAIsFamily,
    model: 'mistral-small-latest',
    earlyEnd: 'what was done',
    pageSize: 100,
    halfList: () => ({
      object: 'list',
      data: [{ id: 'a', status: 'SUCCESS', created_at: Math.floor(Date.now() / 1000) }],
      total: 2,
    }),
  },
  anthropic: {
    ...usual,
    model: 'claude-opus-4-6',
    linesGoWith: 'create',
    provesAtOnce: false,
    provesBy: 'token',
    pageSize: 100,
    halfList: () => ({
      data: [
        {
          id: 'a',
          processing_status: 'ended',
          request_counts: { processing: 0, succeeded: 5, errored: 0, canceled: 0, expired: 0 },
          created_at: new Date().toISOString(),
        },
      ],
      has_more: true,
      last_id: 'a',
    }),
  },
  fireworks: {
    ...usual,
    model: 'accounts/fireworks/models/llama-v3p1-8b-instruct',
    config: { accountId: 'our-account' },
    linesGoWith: 'upload',
    isGoneOnceCancelled: true,
    provesAtOnce: true,
    provesBy: 'token',
    pageSize: 200,
    earlyEnd: 'what was done',
    anything: () => ({ body: { name: 'accounts/our-account/batchInferenceJobs/1', state: 'READY' } }),
    halfList: () => ({ batchInferenceJobs: [], nextPageToken: 'a' }),
  },
  bedrock: {
    model: 'us.anthropic.claude-opus-4-6-v1:0',
    config: { secret: undefined, region: 'us-east-1', limits: { minRequests: 1 } },
    linesGoWith: 'bucket',
    hasKey: false,
    earlyEnd: 'what was done',
    unknownId: 'arn:aws:bedrock:us-east-1:000000000000:model-invocation-job/abcdef012345',
    provesAtOnce: true,
    provesBy: 'token',
    pageSize: 20,
    anything: () => ({ body: { jobArn: 'arn:1' } }),
    halfList: () => ({ invocationJobSummaries: [], nextToken: 'a' }),
  },
};
