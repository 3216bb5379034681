import Anthropic from '@anthropic-ai/sdk';
import { z } from 'zod';
import { objectFrom, objectOf, textOf } from '../../lines/foreign-json.ts';
import { splitLines } from '../../lines/jsonl.ts';
import { NotFoundError } from '../../records/errors.ts';
import type {
  BatchPage,
  Catalog,
  ConnectionSettings,
  CreateOutcome,
  LostCreate,
  LostCreateFinding,
  PageRequest,
  ProviderBatch,
  ProviderClient,
  Sending,
  UploadOutcome,
} from '../contract.ts';
import type { BatchFields } from '../shared/batch-fields.ts';
import { clockSkewMs, readTimeoutSeconds } from '../shared/http/allowances.ts';
import { createOutcome, stoppedBeforeSending } from '../shared/http/create-outcome.ts';
import { withDeadline } from '../shared/http/deadline.ts';
import { everyPage, UnendingListError } from '../shared/http/every-page.ts';
import { callError, hasEndedAlready } from '../shared/http/failed-call.ts';
import { KeyedClient } from '../shared/http/keyed-client.ts';
import { findByResults, maxListPages, mayHold } from '../shared/http/lost-create.ts';
import { ownSendingOf } from '../shared/http/own-sending.ts';
import { parsedReply } from '../shared/http/parsed-reply.ts';
import { timeMs } from '../shared/http/provider-time.ts';
import { readableRefusals } from '../shared/http/readable-refusals.ts';
import { streamedBody, withSpooledFile } from '../shared/http/spooled-file.ts';
import { verifiedDownload } from '../shared/http/verified-download.ts';
import {
  type BatchObject,
  batchFieldsFrom,
  batchObjectSchema,
  hasEnded,
  providerBatchFrom,
  totalOf,
} from './batch-object.ts';
import { type BetaSettings, betaHeader } from './betas.ts';
import type { AnthropicSettings } from './settings.ts';

const batchesPath = '/v1/messages/batches';

/** A page and nothing else. Source: https://platform.claude.com/docs/en/api/listing-message-batches */
const listSchema = z.object({
  data: z.array(batchObjectSchema),
  has_more: z.boolean(),
  last_id: z.string().nullish().catch(null),
});

const defaultBaseUrl = 'https://api.anthropic.com';

export function connectAnthropic(settings: ConnectionSettings<AnthropicSettings>): ProviderClient & Catalog {
  return new AnthropicClient(settings);
}

/** Message Batches. Source: https://platform.claude.com/docs/en/build-with-claude/batch-processing */
class AnthropicClient implements ProviderClient, Catalog {
  readonly #createTimeoutSeconds: number;
  readonly #providerOptions: object;
  readonly #sdk: KeyedClient<Anthropic>;
  readonly #settings: ConnectionSettings<AnthropicSettings>;

  constructor(settings: ConnectionSettings<AnthropicSettings>) {
    this.#settings = settings;
    this.#createTimeoutSeconds = settings.config.createTimeoutSeconds;
    this.#providerOptions = settings.providerOptions ?? {};
    this.#sdk = new KeyedClient(settings, (apiKey) => newSdkClient(settings, apiKey));
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#page({ limit: 1 }, signal);
  }

  /** The lines go with the create. */
  async upload(): Promise<UploadOutcome> {
    return { outcome: 'uploaded', providerInputFileId: null };
  }

  async create(sending: Sending, _inputFileId: string | null, signal: AbortSignal): Promise<CreateOutcome> {
    if (signal.aborted) return stoppedBeforeSending;
    return await withSpooledFile(createBody(sending.lines(','), this.#providerOptions), signal, (body) =>
      this.#post(body, betaHeaders(this.#settings, sending.shared), signal),
    );
  }

  /** Past the SDK's own `create`, which takes an array and so three times its size in memory. */
  async #post(body: Blob, headers: Record<string, string>, signal: AbortSignal): Promise<CreateOutcome> {
    const timeout = this.#createTimeoutSeconds;
    const options = {
      body,
      headers: { 'content-type': 'application/json', ...headers },
      // A repeated create is a second batch, paid for a second time.
      maxRetries: 0,
      timeout: timeout * 1000,
      fetchOptions: streamedBody,
    };
    return await createOutcome(
      'Anthropic',
      () =>
        withDeadline(signal, timeout, (deadline) =>
          this.#sdk.call((sdk) => sdk.post(batchesPath, { ...options, signal: deadline })),
        ),
      namedLines,
    );
  }

  /**
   * Anthropic keeps nothing of ours but the custom_ids, and shows those once a batch has ended. So a batch of the right
   * size is ours if its first result says so, whatever its time, and may be ours until then.
   */
  async findLost(lost: LostCreate, signal: AbortSignal): Promise<LostCreateFinding> {
    const list = everyPage(
      (after) => this.#page({ limit: 100, ...(after !== undefined && { after_id: after }) }, signal),
      ({ id }) => id,
      maxListPages,
    );
    return await findByResults(list, lost, {
      mayBeOurs: (batch) => mayHold(totalOf(batch), lost.sending.lineCount),
      hasEnded,
      isOurs: (batch) => this.#isOurs(batch, lost.sending, signal),
      inOrder: (batches) => nearestFirst(batches, lost),
    });
  }

  /** Past the SDK's own `list`, which makes an empty page of whatever has no `data`. */
  async #page(query: object, signal: AbortSignal): Promise<{ items: BatchObject[]; next: string | null }> {
    const what = "Anthropic's list of batches";
    const reply = await this.#read(signal, what, (sdk, options) =>
      sdk.get<unknown>(batchesPath, { ...options, query }),
    );
    const { data, has_more, last_id } = parsedReply(listSchema, reply, what);
    const next = has_more ? (last_id ?? data.at(-1)?.id) : null;
    if (next === undefined) throw new UnendingListError(`${what} does not say where it goes on.`);
    return { items: data, next };
  }

  /** @returns null where the results do not tell, such as when they are archived. */
  async #isOurs(batch: BatchObject, sending: Sending, signal: AbortSignal): Promise<boolean | null> {
    try {
      for await (const lines of splitLines(this.results(providerBatchFrom(batch), batch.id, signal))) {
        for (const { bytes } of lines) {
          const customId = bytes && textOf(objectFrom(bytes)?.custom_id);
          if (customId) return customId.startsWith(sending.prefix);
        }
      }
      return null;
    } catch (error) {
      if (error instanceof NotFoundError) return null;
      throw error;
    }
  }

  async retrieve(providerBatchId: string, signal: AbortSignal): Promise<ProviderBatch> {
    const batch = await this.#read(signal, `Anthropic's batch ${providerBatchId}`, (sdk, options) =>
      sdk.messages.batches.retrieve(providerBatchId, {}, { ...options, query: this.#providerOptions }),
    );
    return providerBatchFrom(parsed(batch));
  }

  async describe(providerBatchId: string, signal: AbortSignal): Promise<BatchFields> {
    const batch = await this.#read(signal, `Anthropic's batch ${providerBatchId}`, (sdk, options) =>
      sdk.messages.batches.retrieve(providerBatchId, {}, { ...options, query: this.#providerOptions }),
    );
    return batchFieldsFrom(parsed(batch));
  }

  async list({ after, limit }: PageRequest, signal: AbortSignal): Promise<BatchPage> {
    const query = { limit, ...(after !== undefined && { after_id: after }), ...this.#providerOptions };
    const { items, next } = await this.#page(query, signal);
    return { batches: items.map(batchFieldsFrom), hasMore: next !== null };
  }

  async cancel(providerBatchId: string, signal: AbortSignal): Promise<void> {
    try {
      await withDeadline(signal, readTimeoutSeconds, (deadline) =>
        this.#sdk.call((sdk) =>
          sdk.messages.batches.cancel(
            providerBatchId,
            {},
            { query: this.#providerOptions, maxRetries: 0, signal: deadline },
          ),
        ),
      );
    } catch (error) {
      if (!hasEndedAlready(error)) throw callError(`Cancelling Anthropic's batch ${providerBatchId}`, error);
    }
  }

  /** From our own base URL: the host in the batch's `results_url` is the wire's word, and the key would go there. */
  async *results(_batch: ProviderBatch, resultRef: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const what = `The results of Anthropic's batch ${resultRef}`;
    const path = `${batchesPath}/${encodeURIComponent(resultRef)}/results`;
    const response = await this.#read(signal, what, (sdk, options) =>
      sdk
        .get(path, { ...options, query: this.#providerOptions, headers: { accept: 'application/binary' } })
        .asResponse(),
    );
    yield* verifiedDownload(response, what);
  }

  async #read<Result>(
    signal: AbortSignal,
    what: string,
    call: (sdk: Anthropic, options: { signal: AbortSignal }) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await withDeadline(signal, readTimeoutSeconds, (deadline) =>
        this.#sdk.call((sdk) => call(sdk, { signal: deadline })),
      );
    } catch (error) {
      throw callError(what, error);
    }
  }
}

/**
 * Nothing comes from the environment: an account is what the configuration says, and there may be several. The key goes
 * as `Authorization: Bearer`.
 *
 * The version is the one under which models that take temperature and top_p still do: the SDK's own default, 2026-10-21,
 * refuses them for all. Versions are of a batch, not of a line.
 */
export function newSdkClient(settings: ConnectionSettings, apiKey: string): Anthropic {
  const { clientOptions = {}, config } = settings;
  const ownHeaders = 'defaultHeaders' in clientOptions ? objectOf(clientOptions.defaultHeaders) : null;
  return new Anthropic({
    baseURL: defaultBaseUrl,
    maxRetries: 2,
    timeout: readTimeoutSeconds * 1000,
    logLevel: 'off',
    ...clientOptions,
    fetch: readableRefusals(ownSendingOf(settings).fetch),
    ...(config.baseUrl !== undefined && { baseURL: config.baseUrl }),
    defaultHeaders: { 'anthropic-version': '2023-06-01', ...ownHeaders },
    apiKey,
  });
}

/** The header of a call whose requests use betas; what the caller of the library always sends goes with it. */
export function betaHeaders(
  { config, clientOptions = {} }: ConnectionSettings<BetaSettings>,
  shared: unknown,
): Record<string, string> {
  const given = 'defaultHeaders' in clientOptions ? objectOf(clientOptions.defaultHeaders) : null;
  const header = betaHeader(config, shared, textOf(given?.['anthropic-beta']));
  return header === null ? {} : { 'anthropic-beta': header };
}

/** `requests.3.custom_id: String should have at most 64 characters`. Source: anthropics/anthropic-sdk-python#984. */
function namedLines(message: string): number[] {
  return [...message.matchAll(/\brequests\.(\d{1,6})\b/g)].map(([, place]) => Number(place));
}

async function* createBody(lines: AsyncIterable<Buffer>, members: object): AsyncGenerator<Buffer> {
  yield Buffer.from('{"requests":[');
  yield* lines;
  const more = Object.keys(members).length > 0 ? `,${JSON.stringify(members).slice(1)}` : '}';
  yield Buffer.from(`]${more}`);
}

/** What was created within the time first; what was archived before it is not ours: that takes weeks. */
function nearestFirst(batches: readonly BatchObject[], { windowStartMs, windowEndMs }: LostCreate): BatchObject[] {
  const distanceMs = ({ created_at }: BatchObject) => {
    const createdMs = timeMs(created_at);
    return Math.max(windowStartMs - clockSkewMs - createdMs, createdMs - windowEndMs - clockSkewMs, 0) || 0;
  };
  return batches
    .filter((batch) => !batch.archived_at || distanceMs(batch) === 0)
    .toSorted((left, right) => distanceMs(left) - distanceMs(right));
}

function parsed(batch: unknown): BatchObject {
  return parsedReply(batchObjectSchema, batch, 'A batch of Anthropic');
}
