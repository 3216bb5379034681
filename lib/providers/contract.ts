import type { z } from 'zod';
import type { LineSeparator } from '../lines/joined-lines.ts';
import type { LineFormat, RequestLine } from '../lines/request-line.ts';
import type { Endpoint } from '../records/endpoints.ts';
import type { JsonObject } from '../records/json.ts';
import type { Usage } from '../records/usage.ts';
import type { AccountSettings, RuleMode } from './account.ts';
import type { BatchFields } from './shared/batch-fields.ts';
import type { PictureRule } from './shared/picture-tokens.ts';

/**
 * All that a provider's folder says of it, in one object: what its accounts may say, what it takes and what it costs, how its
 * lines are translated, and how to reach it. Configuration, routing, prices, documentation and grants are made from these objects.
 *
 * A client gets the settings that the folder's own schema parsed: the registry hands an account to the provider of its kind.
 */
export interface Provider<Settings extends AccountSettings = AccountSettings> extends Translation {
  kind: Settings['kind'];
  /** What an entry of the configuration of this kind says. */
  settings: z.ZodType;
  /** Models that it is known for, which go here unless the configuration says otherwise; `*` stands for any characters. */
  models: readonly string[];
  prices: Prices;
  /** The most tokens that its models write for one answer, by patterns as in `models`; the first that fits holds. */
  maxOutputTokens?: Readonly<Record<string, number>>;
  /** What is known of single models, for docs: names, what they take, and where that was read. */
  modelTable?: readonly DescribedModels[];
  /** How its models count pictures that they are shown; absent where nobody says. */
  pictureTokens?: PictureRule;
  limits: ProviderLimits;
  /** Whether an account needs an API key, may go without one, or has none. */
  key: 'required' | 'optional' | 'none';
  /** Optional packages from npm that its client needs. */
  packages: readonly string[];
  /** What it needs where it runs in our own AWS account; absent for a provider that is reached by HTTP alone. */
  aws?: AwsNeeds;
  /** What holds where it is used without records of ours, as the library does. */
  direct: DirectUse;
  notes: ProviderNotes;
  example: ExampleAccount;
  /** Values of a line's `service_tier` that it documents for batches, beside those that ask for nothing; absent for none. */
  batchTiers?: readonly string[];
  /** What a line says that goes with its whole sending: lines that say something else go in another one. Absent for most. */
  sharedOf?(request: Pick<RequestLine, 'body' | 'format' | 'endpoint'>, settings: Settings): SharedMembers;
  /** Connects to its batches; absent where there are none and requests are sent one by one. */
  connect?(settings: ConnectionSettings<Settings>): Promise<ProviderClient & Catalog>;
  /** Connects for calls that answer one request at once: shards below `limits.minRequests` run by them. */
  live(settings: ConnectionSettings<Settings>): Promise<LiveClient>;
}

/** The pure half of a provider: what becomes of a line on its way there and back. */
export interface Translation {
  /** Endpoints of the lines it can take. */
  endpoints: readonly Endpoint[];
  /** Whether a model takes chat completions and has not this endpoint, which others of the provider's have. */
  lacks?: (endpoint: Endpoint, model: string) => boolean;
  /** The provider's own endpoint to which lines for another are sent; absent where all endpoints are its own. */
  ownEndpoint?: (asked: { endpoint: Endpoint; model: string }) => Endpoint;
  /** What is known of a model that gets chat completions as they are, also those that were Responses or Messages; null for most. */
  chatModel?: (model: string) => ChatModel | null;
  /** The limit on output tokens that a translated line of a model gets where it names none; absent or null without one. */
  sentOutputLimit?: (model: string) => number | null;
  /**
   * Whether a line goes as it is, only the values of custom_id and of the model replaced. Whoever knows where those
   * stand need not ask `translateRequest`, which gives the same for a line that `isAddressed`; any other it addresses.
   */
  passesThrough(request: Pick<RequestLine, 'format' | 'endpoint'>): boolean;
  /** Makes the provider's line. The target's id stands in it before anything that is the customer's. */
  translateRequest(request: RequestLine, target: RequestTarget): TranslatedRequest;
  /**
   * Translates one line of the provider's results. Never throws, whatever the bytes are.
   *
   * @param find answers which of the shard's lines an id names, or null for an id that is not of this sending.
   */
  translateResult(bytes: Buffer, find: (lineId: string) => AnsweredLine | null): TranslatedResult;
}

/** Whose public price list holds, and what a batch saves. */
export interface Prices {
  /** The provider's name in @pydantic/genai-prices; null where only the address of the account's API shows it. */
  list: string | null;
  /** What models are called in that list, by patterns as in `models`, where they have another name there. */
  listedAs?: Readonly<Record<string, string>>;
  /** What a batch saves of the list price: 0.5 is half. */
  batchDiscount: number;
  /** Discounts of models that save something else, by patterns as in `models`; the first that fits holds. */
  discountOfModels?: Readonly<Record<string, number>>;
  /** Kinds of tokens that a batch does not make cheaper in its usual way, by patterns of models in the same way; none without it. */
  undiscounted?: Readonly<Record<string, readonly UndiscountedKind[]>>;
}

/** A model that thinks before it answers. */
export interface ChatModel {
  source: string;
  read: string;
  /** Whether `reasoning_effort` may be `none`. */
  takesNone: boolean;
  /** Parameters that it answers with an error. */
  refuses: readonly string[];
}

/** Where something was read, and when: a month, `2026-11`. */
export interface RuleSource {
  source: string;
  read: string;
}

/** What models do or do not take, in words, and where that was read; null for what is from memory. */
export interface SaidRule {
  says: string;
  source: RuleSource | null;
}

/** Models of a provider that take and refuse the same. */
export interface DescribedModels {
  models: readonly string[];
  says: readonly SaidRule[];
}

/**
 * Kinds of tokens whose own price takes the place of half of it: `cached` and `written` cost in a batch what they cost in a single call,
 * and `cachedAsInput` says that a batch's cached tokens cost what its other input does.
 */
export type UndiscountedKind = 'cached' | 'cachedAsInput' | 'written';

/** What a service of our own AWS account needs, so that it reads its lines from our bucket and writes its answers there. */
export interface AwsNeeds {
  /** Who assumes the role that the stack makes for it, and who is passed it. */
  service: string;
  /** What IAM calls the things that we do with its jobs, and a single call of a model. */
  actions: { create: string; get: string; list: string; stop: string; call: string };
}

/** An entry of the configuration beside kind and secret, and a model of it: for the demo and for examples. */
export interface ExampleAccount {
  /** A model that its simulator has as well. */
  model: string;
  settings?: Readonly<Record<string, string>>;
}

/** What only people want to know: `npm run docs` makes the tables of docs/providers.md from it and from the above. */
export interface ProviderNotes {
  /** As its maker writes it; the heading of its section in docs/providers.md. */
  title: string;
  /** The page that its limits come from. */
  source: string;
  /** By what a batch whose create went unanswered is known as ours. */
  lostCreateProof: string;
  /** Members of a translated line that are left out or changed, each with a warning. */
  warned: readonly string[];
  /** Members of a translated line that make it an error line. */
  refused: readonly string[];
  /** Whether it has run against the real service, and not only against our simulator. */
  isConfirmed: boolean;
}

export interface DirectUse {
  /** custom_ids that it takes as they are; null for any. */
  customIds: RegExp | null;
  /** Whether it keeps metadata of a batch. */
  keepsMetadata: boolean;
  /** Whether it lists a batch's input file, by which a lost create is found again for certain. */
  listsInputFile: boolean;
  /** Whether requests of one batch may name different models. */
  mixesModels: boolean;
  /** Whether a batch can be cancelled; where it cannot, it runs to its end and is paid for. */
  cancels: boolean;
}

export interface ProviderLimits {
  /** Requests in one provider batch. */
  maxRequests: number;
  /** Requests that one provider batch must have at least; absent without such a limit, Infinity where there are no batches. */
  minRequests?: number;
  /** Bytes of one provider batch as sent, newlines and separators included. */
  maxBytes: number;
  /** Inputs of all embedding requests of one provider batch together; null without such a limit. */
  maxEmbeddingInputs: number | null;
  /** Bytes by which a batch is larger than its lines: what surrounds them, and each line's separator. */
  overheadBytes: { batch: number; line: number };
  /** Batches that may be created in an hour; null without such a limit. */
  createsPerHour: number | null;
}

export interface RequestTarget {
  /** Our short id, which takes the place of the customer's custom_id. */
  lineId: string;
  /** The model as the provider calls it. */
  model: string;
  /** What the account makes of the table of models; `enforce` without it. */
  modelRules?: RuleMode | undefined;
}

/** A parameter that the provider cannot take, and what was done about it; one that it would most likely refuse; or where a model goes. */
export interface Warning {
  param: string;
  code: 'parameter_dropped' | 'parameter_changed' | 'model_rule' | 'likely_refused' | 'model_routed';
  message: string;
}

/** What a line says for its whole sending: null for nothing, the same members in the same order for the same thing. */
export type SharedMembers =
  | { ok: true; shared: JsonObject | null }
  | { ok: false; error: { code: string; message: string; param: string | null } };

export type TranslatedRequest =
  | {
      ok: true;
      /** One JSON line as the provider wants it, without newline. */
      bytes: Buffer;
      warnings: Warning[];
    }
  | { ok: false; error: { code: string; message: string; param: string | null } };

/** The line that a result answers. */
export interface AnsweredLine {
  /** Place within the shard, from 0. */
  position: number;
  customId: string | null;
  format: LineFormat;
  endpoint: Endpoint;
  /** As the provider calls it, of the shard's first line where it mixes them; null where nobody knows. */
  model: string | null;
  /** Times that the request was sent so far, this time included; stands in its error line. */
  attempts: number;
  /** The line of the batch's input that the request is, from 1; absent where there is no file. */
  lineNumber?: number;
}

export type TranslatedResult =
  /** The request was executed, or refused, by the provider: `bytes` is our result line without newline. */
  | {
      kind: 'answered';
      position: number;
      bytes: Buffer;
      succeeded: boolean;
      retryable: boolean;
      usage: Usage | null;
      model: string | null;
      /** The tier that the answer names, by which a single call is priced; absent where it names none. */
      tier?: string | null;
    }
  /** The provider says that it was never executed. Retryable where it expired. */
  | { kind: 'unexecuted'; position: number; reason: 'expired' | 'cancelled'; message: string }
  /** Not a result line as the provider documents it. */
  | { kind: 'malformed'; message: string }
  /** Names a line that is not of this sending; never used. */
  | { kind: 'foreign' };

export interface ConnectionSettings<Settings extends AccountSettings = AccountSettings> {
  name: string;
  config: Settings;
  /** @param refresh reads the secret again, past the cache, after a 401. */
  apiKey: (refresh?: boolean) => Promise<string>;
  /** Further options for the SDK's client, passed on as they are. */
  clientOptions?: object;
  /** Where a provider on AWS finds its lines and leaves its answers; only the pipeline has it. */
  workplace?: Workplace;
  /** Passed on as they are: members of a creation's body, query parameters of every other call. */
  providerOptions?: object;
}

/** Our bucket, for a provider that reads and writes there itself. */
export interface Workplace {
  objects: {
    bucket: string;
    /** Writes an object as its pieces come; one that broke off is not there. */
    write(key: string, pieces: AsyncIterable<Buffer>): Promise<void>;
    /** @throws NotFoundError where there is no such object, TransientError where it broke off for good. */
    stream(object: { bucket: string; key: string }): AsyncIterable<Uint8Array>;
  };
  /** Role by which the provider does so, unless the account names another. */
  roleArn: string | null;
}

/** The lines of one sending, ready for the provider. */
export interface Sending {
  /** Our batch, whose work the lines are; null where the library sends them. */
  batchId: string | null;
  /** What all line ids begin with. */
  prefix: string;
  /** Random; travels in the provider's metadata where it has any. */
  token: string;
  /** The provider's own: see `ownEndpoint`. */
  endpoint: Endpoint;
  /** The model of its lines as the provider calls it; of the first line, where the provider lets a batch mix them. */
  model: string;
  /** What all of its lines say, of `sharedOf`; absent for nothing. */
  shared?: JsonObject | null;
  lineCount: number;
  /**
   * Streams the provider's lines with the separator between two, in pieces of any size: a promise for each line costs more
   * than the line. A piece is good until the next one is asked for. May be called again from the start.
   */
  lines: (separator: LineSeparator) => AsyncIterable<Buffer>;
  /** Our ids for the provider's metadata: batch, shard and token. Never the customer's metadata. */
  metadata: Record<string, string>;
}

/** Why a provider took none of a sending's lines. */
export interface SendingRefusal {
  code: string;
  message: string;
  /**
   * Set where nothing of the sending can have run and its lines may be the reason: other sendings of fewer lines may follow.
   * Whoever cannot prove that leaves it out, and so does a refusal for the sake of the account, its key or the model.
   */
  isUntouched?: true;
  /** The lines that the provider names as the reason. */
  refusedLines?: readonly RefusedLine[];
}

export interface RefusedLine {
  /** Place within the sending, from 0, as the provider says: it may lie outside. */
  position: number;
  code: string;
  message: string;
}

/** A create ends in exactly one of these; only `refused` and `deferred` prove that nothing was created. */
export type CreateOutcome =
  | { outcome: 'created'; providerBatchId: string }
  | ({ outcome: 'refused' } & SendingRefusal)
  | Deferral
  | { outcome: 'unknown'; message: string };

/** Nothing was created, and it may be tried again later. */
export interface Deferral {
  outcome: 'deferred';
  message: string;
  retryAfterSeconds: number | null;
  /** Set where the provider answered that it is too much at present. */
  isRateLimit?: true;
}

export type UploadOutcome =
  /** `providerInputFileId` is null where the provider takes its lines with the create. */
  { outcome: 'uploaded'; providerInputFileId: string | null } | ({ outcome: 'refused' } & SendingRefusal) | Deferral;

export interface LostCreate {
  sending: Sending;
  providerInputFileId: string | null;
  /** Unix milliseconds between which the provider must have created it, if its clock goes as ours: no proof, and none without. */
  windowStartMs: number;
  windowEndMs: number;
  /** Whether another shard of ours owns that provider batch already. */
  isClaimed: (providerBatchId: string) => Promise<boolean>;
}

/** What became of a create whose answer was lost. */
export type LostCreateFinding =
  | { finding: 'found'; providerBatchId: string }
  /** The list was read to its end, and holds nothing that could be ours. */
  | { finding: 'none' }
  /** Batches that may be ours; what they are shows once they end. None, where the list could not be read to its end. */
  | { finding: 'undecided'; providerBatchIds: string[]; reason: string };

export type ProviderPhase =
  | 'validating'
  | 'in_progress'
  | 'cancelling'
  | 'completed'
  | 'failed'
  | 'expired'
  | 'cancelled';

export interface ProviderBatch {
  providerBatchId: string;
  phase: ProviderPhase;
  /** The provider's own word. */
  status: string;
  /** False where the provider said a status that we do not know: treated as in_progress, logged and counted. */
  isKnownStatus: boolean;
  counts: { total: number; completed: number; failed: number } | null;
  /** Result lines that the provider's counts promise; null where it does not say. */
  expectedResults: number | null;
  /** Files or URLs with the results, as the provider names them. */
  resultRefs: string[];
  /** Why it failed as a whole. `isQueueFull` says that nothing of it ran, for want of room or of credit: it may be sent again later. */
  failure: (SendingRefusal & { isQueueFull: boolean }) | null;
}

export interface PageRequest {
  /** The batch behind which the page begins. */
  after?: string;
  limit: number;
}

export interface BatchPage {
  batches: BatchFields[];
  hasMore: boolean;
}

/**
 * The calls of batches. Every method may throw TransientError (try again), ProviderAuthenticationError (our key) or NotFoundError;
 * create() never throws for an answer of the provider: what is not proven is `unknown`.
 */
export interface ProviderClient {
  /** A free call that shows whether the key is accepted. */
  check(signal: AbortSignal): Promise<void>;
  /** Sends what create() will refer to. Repeating it creates no batch and costs nothing. */
  upload(sending: Sending, signal: AbortSignal): Promise<UploadOutcome>;
  create(sending: Sending, providerInputFileId: string | null, signal: AbortSignal): Promise<CreateOutcome>;
  /** Reads the whole list after a create of unknown outcome. Adopts on proof only; a reply that is no list throws. */
  findLost(lost: LostCreate, signal: AbortSignal): Promise<LostCreateFinding>;
  retrieve(providerBatchId: string, signal: AbortSignal): Promise<ProviderBatch>;
  cancel(providerBatchId: string, signal: AbortSignal): Promise<void>;
  /** Streams one result file. Throws TransientError where it breaks off or is shorter than promised. */
  results(providerBatch: ProviderBatch, resultRef: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** What only the library asks of a provider's batches: them in OpenAI's form. Throws as `ProviderClient` does. */
export interface Catalog {
  describe(providerBatchId: string, signal: AbortSignal): Promise<BatchFields>;
  /** A page of the account's batches, newest first. */
  list(page: PageRequest, signal: AbortSignal): Promise<BatchPage>;
}

/** Sends requests one by one. */
export interface LiveClient {
  /** A free call that shows whether the key is accepted; absent where the client of batches has it. */
  check?(signal: AbortSignal): Promise<void>;
  /**
   * Makes one call, once. Whatever comes of it is an answer; an abort is `failed`.
   *
   * @throws ProviderAuthenticationError, or another error of ours: nothing was sent.
   */
  call(call: LiveCall): Promise<LiveAnswer>;
}

export interface LiveCall {
  /** As `translateRequest` made it, under its line id; nobody changes the bytes meanwhile. */
  line: Buffer;
  /** The provider's own: see `ownEndpoint`. */
  endpoint: Endpoint;
  /** The line's model as the provider calls it; of the first line, where the provider lets a batch mix them. */
  model: string;
  /** What the line says, of `sharedOf`; absent for nothing. */
  shared?: JsonObject | null;
  signal: AbortSignal;
}

/**
 * What one live call came to. `line` is a line of the provider's own result format, without newline, that
 * `translateResult` reads: of a try that others follow it is thrown away.
 */
export type LiveAnswer =
  /** The provider's last word, be it a refusal. `tokens` are all that were used; null where it does not say. */
  | { outcome: 'answered'; line: Buffer; succeeded: boolean; tokens: number | null }
  /** It was too much at present; the same request may be sent again after a pause. */
  | { outcome: 'busy'; line: Buffer; message: string; retryAfterSeconds: number | null }
  /** It failed for a reason that may pass, or nobody knows what became of it. */
  | { outcome: 'failed'; line: Buffer; message: string }
  /** HTTP 403: this request is not allowed, or the key may do nothing. */
  | { outcome: 'forbidden'; line: Buffer; message: string }
  /** No connection was made, or nothing is done without payment: the request was not executed. */
  | { outcome: 'unreachable'; message: string };
