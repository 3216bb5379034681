import { z } from 'zod';
import { objectFrom, textOf } from '../../lines/foreign-json.ts';
import { hasEnded } from '../../records/openai-batch.ts';
import { parseJson } from '../../records/parse-json.ts';
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
import { look, read } from '../google-family/api.ts';
import type { BatchFields } from '../shared/batch-fields.ts';
import type { ApiCaller } from '../shared/http/bearer-api.ts';
import { createOutcome, stoppedBeforeSending } from '../shared/http/create-outcome.ts';
import { withDeadline } from '../shared/http/deadline.ts';
import { everyPage } from '../shared/http/every-page.ts';
import type { KeyedClient } from '../shared/http/keyed-client.ts';
import { onOneLine } from '../shared/http/live-call.ts';
import { findByResults, maxListPages, mayHold } from '../shared/http/lost-create.ts';
import { parsedReply } from '../shared/http/parsed-reply.ts';
import { withSpooledFile } from '../shared/http/spooled-file.ts';
import { verifiedDownload } from '../shared/http/verified-download.ts';
import { openRouterApi } from './api.ts';
import { type Batch, batchFieldsFrom, batchSchema, providerBatchFrom } from './batch.ts';
import { InlineResults } from './inline-results.ts';
import type { OpenRouterSettings } from './settings.ts';

const batchesPath = '/v1/batches';

/** The most that a page of the list has. */
const pageLimit = 100;

const listSchema = z.object({
  data: z.array(batchSchema),
  has_more: z.boolean(),
  last_id: z.string().nullish().catch(null),
});

export function connectOpenRouter(settings: ConnectionSettings<OpenRouterSettings>): ProviderClient & Catalog {
  return new OpenRouterClient(settings);
}

/** Batches whose requests and results stand in the calls themselves. Source: https://openrouter.ai/docs/batch-quickstart, read 2026-11. */
class OpenRouterClient implements ProviderClient, Catalog {
  readonly #settings: ConnectionSettings<OpenRouterSettings>;
  readonly #api: KeyedClient<ApiCaller>;

  constructor(settings: ConnectionSettings<OpenRouterSettings>) {
    this.#settings = settings;
    this.#api = openRouterApi(settings);
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
    return await withSpooledFile(this.#bodyOf(sending), signal, (body) =>
      createOutcome(
        'OpenRouter',
        () =>
          withDeadline(signal, this.#settings.config.createTimeoutSeconds, async (deadline) =>
            (await this.#api.call((call) => call(batchesPath, { method: 'POST', body, signal: deadline }))).json(),
          ),
        noNamedLines,
      ),
    );
  }

  /** What stands before the requests must: they are read as they come. */
  async *#bodyOf({ endpoint, model, shared, lines }: Sending): AsyncGenerator<Buffer> {
    const { provider } = this.#settings.config;
    const head = { endpoint, model, ...(provider && { provider }), ...shared, ...this.#settings.providerOptions };
    yield Buffer.from(`${JSON.stringify(head).slice(0, -1)},"requests":[`);
    yield* lines(',');
    yield Buffer.from(']}');
  }

  /**
   * OpenRouter keeps nothing of ours but the custom_ids, and shows those once a batch has ended. So a batch of the right size, model
   * and endpoint is ours if its first result says so, and may be ours until then. One that failed has run nothing.
   */
  async findLost(lost: LostCreate, signal: AbortSignal): Promise<LostCreateFinding> {
    const { lineCount, model, endpoint } = lost.sending;
    return await findByResults(this.#newestFirst(signal, maxListPages), lost, {
      mayBeOurs: (batch) =>
        batch.status !== 'failed' &&
        mayHold(batch.request_counts?.total, lineCount) &&
        (batch.model ?? model) === model &&
        (batch.endpoint ?? endpoint) === endpoint,
      hasEnded: (batch) => hasEnded(providerBatchFrom(batch).phase),
      isOurs: (batch) => this.#isOurs(batch, lost.sending, signal),
    });
  }

  /** @returns null where the results do not tell. */
  async #isOurs({ id }: Batch, sending: Sending, signal: AbortSignal): Promise<boolean | null> {
    for await (const element of this.#elements(id, signal)) {
      const customId = textOf(objectFrom(element)?.custom_id);
      if (customId) return customId.startsWith(sending.prefix);
    }
    return null;
  }

  #newestFirst(signal: AbortSignal, maxPages?: number): AsyncGenerator<Batch> {
    return everyPage(
      async (after) => {
        const { data, has_more, last_id } = await this.#page({ limit: pageLimit, after }, signal);
        return { items: data, next: has_more ? (last_id ?? data.at(-1)?.id) : null };
      },
      ({ id }) => id,
      maxPages,
    );
  }

  async #page(
    { limit, after }: { limit: number; after?: string | undefined },
    signal: AbortSignal,
  ): Promise<z.infer<typeof listSchema>> {
    const query = new URLSearchParams({ limit: String(limit), ...(after !== undefined && { after }) });
    const path = `${batchesPath}?${query}`;
    return await read("OpenRouter's list of batches", listSchema, signal, (deadline) =>
      this.#api.call((call) => call(path, { signal: deadline })),
    );
  }

  async retrieve(providerBatchId: string, signal: AbortSignal): Promise<ProviderBatch> {
    return providerBatchFrom(await this.#batch(providerBatchId, signal));
  }

  async describe(providerBatchId: string, signal: AbortSignal): Promise<BatchFields> {
    return batchFieldsFrom(await this.#batch(providerBatchId, signal));
  }

  /** Its answers, which may be many, are passed by. */
  async #batch(id: string, signal: AbortSignal): Promise<Batch> {
    const what = `OpenRouter's batch ${id}`;
    const around = await look(what, signal, async (deadline) => {
      const results = new InlineResults();
      for await (const chunk of await this.#get(id, deadline)) results.push(chunk);
      return parseJson(results.around());
    });
    return parsedReply(batchSchema, around, what);
  }

  async #get(id: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const path = `${batchesPath}/${encodeURIComponent(id)}`;
    const response = await this.#api.call((call) => call(path, { signal }));
    return verifiedDownload(response, `OpenRouter's batch ${id}`);
  }

  async *#elements(id: string, signal: AbortSignal): AsyncGenerator<Buffer> {
    const what = `The results of OpenRouter's batch ${id}`;
    const results = new InlineResults();
    const chunks = await look(what, signal, (deadline) => this.#get(id, deadline));
    for await (const chunk of chunks) yield* results.push(chunk);
    parsedReply(batchSchema, jsonOrNull(results.around()), what);
  }

  /** There is no cancellation: what was created runs to its end, and is paid for. */
  async cancel(providerBatchId: string, signal: AbortSignal): Promise<void> {
    await this.#batch(providerBatchId, signal);
  }

  async *results(_batch: ProviderBatch, resultRef: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for await (const element of this.#elements(resultRef, signal)) {
      yield onOneLine(element);
      yield newline;
    }
  }

  async list({ after, limit }: PageRequest, signal: AbortSignal): Promise<BatchPage> {
    const { data, has_more } = await this.#page({ limit, after }, signal);
    return { batches: data.map(batchFieldsFrom), hasMore: has_more };
  }
}

/** Its messages are not known to name the requests that are wrong. */
function noNamedLines(): number[] {
  return [];
}

function jsonOrNull(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}

const newline = Buffer.from('\n');
