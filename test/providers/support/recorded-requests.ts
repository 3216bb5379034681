import { expect, onTestFinished } from 'vitest';
import { joinedLines } from '../../../lib/lines/joined-lines.ts';
import { objectAt } from '../../../lib/providers/bedrock/places.ts';
import { type BatchProviderKind, providerConfigSchema } from '../../../lib/providers/config.ts';
import { connectLive } from '../../../lib/providers/connect.ts';
import type { Sending } from '../../../lib/providers/contract.ts';
import { ownEndpoint } from '../../../lib/providers/own-endpoint.ts';
import { providerOf, providers } from '../../../lib/providers/registry.ts';
import type { Endpoint } from '../../../lib/records/endpoints.ts';
import { providerLineId, sendingPrefix } from '../../../lib/records/ids.ts';
import { type Simulator, startSimulator } from '../../../simulators/simulators.ts';
import { isOfOpenAIsFamily, subjects } from '../../fixtures/providers/every-provider.ts';
import {
  chatBodies,
  embeddingBodies,
  messagesParams,
  moderationBodies,
  responsesBodies,
} from '../../fixtures/request-lines.ts';
import {
  apiKey,
  type Connection,
  clientFor,
  connect,
  ended,
  noAbort,
  resultsOf,
  settingsFor,
  temporaryFolder,
} from './connected-provider.ts';
import { lineOf, openAILine } from './lines.ts';
import { type RecordingProxy, type SentRequest, startRecordingProxy } from './recording-proxy.ts';
import { workplace } from './workplace.ts';

/** Models beside the usual one whose requests look otherwise. */
const furtherModels: Partial<Record<BatchProviderKind, readonly string[]>> = {
  xai: ['grok-3'],
  vertex: ['claude-sonnet-4-5'],
  bedrock: [
    'us.amazon.nova-lite-v1:0',
    'meta.llama3-3-70b-instruct-v1:0',
    'mistral.mistral-large-2407-v1:0',
    'mistral.mixtral-8x7b-instruct-v0:1',
    'qwen.qwen3-32b-v1:0',
  ],
};

/** Models of endpoints that are not for the usual ones. */
const ownModels: Partial<Record<BatchProviderKind, Partial<Record<Endpoint, readonly string[]>>>> = {
  openai: { '/v1/embeddings': ['text-embedding-3-small'], '/v1/moderations': ['omni-moderation-latest'] },
  'openai-compatible': { '/v1/embeddings': ['text-embedding-3-small'], '/v1/moderations': ['omni-moderation-latest'] },
  gemini: { '/v1/embeddings': ['gemini-embedding-001'] },
  bedrock: {
    '/v1/embeddings': ['amazon.titan-embed-text-v2:0'],
    '/v1/messages': [subjects.bedrock.model, 'us.amazon.nova-lite-v1:0'],
    '/v1/responses': [subjects.bedrock.model],
  },
  mistral: { '/v1/embeddings': ['mistral-embed'], '/v1/moderations': ['mistral-moderation-latest'] },
};

const bodiesOf: Partial<Record<Endpoint, readonly object[]>> = {
  '/v1/chat/completions': chatBodies,
  '/v1/responses': responsesBodies,
  '/v1/messages': messagesParams,
  '/v1/embeddings': embeddingBodies,
  '/v1/moderations': moderationBodies,
};

/** Requests by the call of our client that sent them. */
export type Calls = Record<string, SentRequest[]>;

export interface Recording {
  /** By endpoint and model. */
  batches: Record<string, Calls | { refused: string[] }>;
  /** Ids that the provider made, and what stands for them. */
  names: ReadonlyMap<string, string>;
}

/** Sends what a kind can take to its simulator: one batch through its whole life, the others up to their creation. */
export async function recordRequests(kind: BatchProviderKind): Promise<Recording> {
  const { simulator } = await connect(kind);
  const proxy = await startRecordingProxy(simulator.url);
  const recorder = new Recorder(kind, simulator, proxy);
  const batches: Recording['batches'] = {};
  for (const [place, { endpoint, model }] of batchesOf(kind).entries()) {
    const { sending, refused } = sendingOf(kind, endpoint, model, place);
    const name = `${endpoint}, ${model}`;
    if (sending.lineCount > 0) batches[name] = await recorder.callsOf(sending, place === 0);
    if (refused.length > 0) batches[sending.lineCount > 0 ? `${name}, other lines` : name] = { refused };
  }
  return { batches, names: recorder.names };
}

export type LiveApi = 'openai' | 'anthropic';

/** The same of a live endpoint, which has no batches: a look, and the first request to each endpoint. */
export async function recordLiveRequests(api: LiveApi): Promise<Recording> {
  const simulator = await startSimulator.live({ dataDir: temporaryFolder(), apiKey, api });
  onTestFinished(() => simulator.close());
  const proxy = await startRecordingProxy(simulator.url);
  const config = providerConfigSchema.parse({ kind: 'live', api, secret: 'batchdrop/live', baseUrl: proxy.url });
  const settings = {
    name: 'our-live',
    config: { ...config, createTimeoutSeconds: 120, settleSeconds: 60 },
    apiKey: async () => apiKey,
  };
  const provider = providerOf({ kind: 'live', api });

  const live = connectLive(provider, settings);
  await live.check(noAbort);
  const batches: Recording['batches'] = { models: { check: proxy.take() } };
  for (const endpoint of provider.endpoints) {
    const [body] = bodiesOf[endpoint] ?? [];
    if (!body) continue;
    const model = endpoint === '/v1/embeddings' ? 'text-embedding-3-small' : liveModels[api];
    const line = lineOf(textOf(endpoint, { model, ...body }), endpoint);
    const translated = provider.translateRequest(line, { lineId: 'line0', model });
    if (!translated.ok) throw new Error(translated.error.message);
    const answer = await live.call({
      line: translated.bytes,
      endpoint: ownEndpoint(provider, { endpoint, model }),
      model,
      signal: noAbort,
    });
    batches[`${endpoint}, ${model}`] = { 'live call': proxy.take() };
    expect(answer).toMatchObject({ outcome: 'answered', succeeded: true });
  }
  return { batches, names: new Map() };
}

const liveModels: Record<LiveApi, string> = { openai: 'gpt-4o-mini', anthropic: 'claude-opus-4-6' };

function batchesOf(kind: BatchProviderKind): { endpoint: Endpoint; model: string }[] {
  const models = [subjects[kind].model, ...(furtherModels[kind] ?? [])];
  const endpoints = providers[kind].endpoints.filter((endpoint) => endpoint in bodiesOf);
  const chatFirst = endpoints.toSorted((left) => (left === '/v1/chat/completions' ? -1 : 0));
  return chatFirst.flatMap((endpoint) => (ownModels[kind]?.[endpoint] ?? models).map((model) => ({ endpoint, model })));
}

const batchId = `batch_${'0123456789abcdef'.repeat(2)}`;

/** As the pipeline makes one, but the same each time. */
function sendingOf(
  kind: BatchProviderKind,
  endpoint: Endpoint,
  model: string,
  place: number,
): { sending: Sending; refused: string[] } {
  const prefix = sendingPrefix({ batchId, round: 0, shard: place, attempt: 1 });
  const token = `${place}`.padStart(32, 'c0ffee00');
  const lines: Buffer[] = [];
  const refused: string[] = [];
  for (const body of bodiesOf[endpoint] ?? []) {
    const line = lineOf(textOf(endpoint, { model, ...body }), endpoint);
    const translated = providers[kind].translateRequest(line, { lineId: providerLineId(prefix, lines.length), model });
    if (translated.ok) lines.push(translated.bytes);
    else refused.push(translated.error.message);
  }
  const sending: Sending = {
    batchId,
    prefix,
    token,
    endpoint: ownEndpoint(providers[kind], { endpoint, model }),
    model,
    lineCount: lines.length,
    lines: (separator) => joinedLines(lines, separator),
    metadata: { batchdrop_batch: batchId, batchdrop_shard: `0/${place}`, batchdrop_token: token },
  };
  return { sending, refused };
}

function textOf(endpoint: Endpoint, body: object): string {
  return endpoint === '/v1/messages'
    ? JSON.stringify({ custom_id: 'mine', params: body })
    : openAILine('mine', body, endpoint);
}

const farPast = Date.parse('2026-01-01T00:05:00Z');

class Recorder {
  readonly #kind: BatchProviderKind;
  readonly #connection: Connection;
  readonly #proxy: RecordingProxy;
  readonly names = new Map<string, string>();

  constructor(kind: BatchProviderKind, simulator: Simulator, proxy: RecordingProxy) {
    this.#kind = kind;
    this.#connection = { simulator, client: clientFor(kind, proxy.url, async () => apiKey) };
    this.#proxy = proxy;
  }

  async callsOf(sending: Sending, isWhole: boolean): Promise<Calls> {
    const { client } = this.#connection;
    const calls: Calls = {};
    const during = async <Result>(name: string, call: Promise<Result>): Promise<Result> => {
      const result = await call;
      const requests = this.#proxy.take();
      if (requests.length > 0) calls[name] = requests;
      return result;
    };
    if (isWhole) await during('check', client.check(noAbort));
    const uploaded = await during('upload', client.upload(sending, noAbort));
    const fileId = uploaded.outcome === 'uploaded' ? uploaded.providerInputFileId : null;
    this.#name(fileId, '<input file>');
    if (fileId?.startsWith('s3:')) calls.upload = [await writtenObject(fileId)];
    const created = await during('create', client.create(sending, fileId, noAbort));
    if (created.outcome !== 'created') throw new Error(JSON.stringify(created));
    const { providerBatchId } = created;
    this.#name(providerBatchId, '<batch>');
    if (!isWhole) {
      // Calls of OpenAI's family differ in their bodies only.
      if (!isOfOpenAIsFamily(this.#kind)) await this.#callLive(sending, during);
      return calls;
    }

    const batch = await during('retrieve', ended(this.#connection, providerBatchId));
    if (batch.failure) throw new Error(batch.failure.message);
    const lost = { sending, providerInputFileId: fileId, windowStartMs: farPast, windowEndMs: Date.now() + 60_000 };
    await during('findLost', client.findLost({ ...lost, isClaimed: async () => false }, noAbort));
    await during('list', client.list({ after: providerBatchId, limit: 10 }, noAbort));
    for (const [place, ref] of batch.resultRefs.entries()) this.#name(ref, place === 0 ? '<results>' : '<errors>');
    const results = await during('results', resultsOf(this.#kind, this.#connection, batch, sending));
    expect(results.filter((result) => result.kind !== 'answered' || !result.succeeded)).toEqual([]);
    expect(results).toHaveLength(sending.lineCount);
    await during('cancel', client.cancel(providerBatchId, noAbort));
    await this.#callLive(sending, during);
    return calls;
  }

  /** One request of them at once, where there is such a call. */
  async #callLive(
    sending: Sending,
    during: <Result>(name: string, call: Promise<Result>) => Promise<Result>,
  ): Promise<void> {
    const live = connectLive(
      providers[this.#kind],
      settingsFor(this.#kind, this.#proxy.url, async () => apiKey),
    );
    const [line = Buffer.of()] = Buffer.concat(await Array.fromAsync(sending.lines('\n')))
      .toString()
      .split('\n')
      .map((text) => Buffer.from(text));
    const answer = await during(
      'live call',
      live.call({ line, endpoint: sending.endpoint, model: sending.model, signal: noAbort }),
    );
    expect(answer).toMatchObject({ outcome: 'answered', succeeded: true });
  }

  /** Ids stand in paths by their last part. Those of objects in a bucket are ours. */
  #name(id: string | null, name: string): void {
    if (id === null || /^(gs|s3):/.test(id)) return;
    const last = id.slice(id.lastIndexOf('/') + 1);
    if (!this.names.has(last)) this.names.set(last, name);
  }
}

/** Lines that go into a bucket of ours go by our own S3 client; what matters of them is where they lie. */
async function writtenObject(uri: string): Promise<SentRequest> {
  const pieces = await Array.fromAsync(workplace().objects.stream(objectAt(uri)));
  return { method: 'PUT', url: uri, headers: {}, body: Buffer.concat(pieces) };
}
