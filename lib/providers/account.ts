import { z } from 'zod';

/** Whether what a table says of a model is held, only warned of, or left aside. */
const ruleModes = ['enforce', 'warn', 'off'] as const;

export type RuleMode = (typeof ruleModes)[number];

/** How requests are sent one by one: by accounts of kind `live`, and for shards below a provider's minimum. */
export const liveFields = {
  /** Calls under way at a time, of all functions together. A restart repeats at most so many. */
  maxConcurrency: z.number().int().positive().max(10_000).default(64),
  /** The account's own limits, kept by all functions together; without them only the endpoint's 429 slows us down. */
  requestsPerMinute: z.number().int().positive().optional(),
  tokensPerMinute: z.number().int().positive().optional(),
  /** How long a call may take. Node's fetch waits no longer than 300 s for the first byte. */
  requestTimeoutSeconds: z.number().positive().max(300).default(300),
};

const dollars = z.number().nonnegative();

/** What a model costs, in US dollars for a million tokens of single calls. What is not said costs what plain input or output does. */
const ownPriceSchema = z.strictObject({
  input: dollars,
  output: dollars,
  cachedInput: dollars.optional(),
  cacheWrite: dollars.optional(),
  cacheWrite1h: dollars.optional(),
  inputAudio: dollars.optional(),
  inputImage: dollars.optional(),
  outputAudio: dollars.optional(),
  outputImage: dollars.optional(),
  /** The most tokens that the model writes for one answer. */
  maxOutputTokens: z.number().int().positive().optional(),
  /** What a batch saves of them, 0.5 for half; without it what the provider's batches save. */
  batchDiscount: z.number().min(0).lt(1).optional(),
});

export type OwnPrice = z.infer<typeof ownPriceSchema>;

/** By a model's name or a pattern: its prices, or the model of the public list that it costs as much as. */
const ownPricesSchema = z.record(z.string().min(1), z.union([z.string().min(1), ownPriceSchema]));

/** What every provider account can say; a provider's folder extends it by its kind and by what its accounts say besides. */
export const accountSchema = z.strictObject({
  /** Where its API is; the SDK's own default without it. Only the deployment says this, never a request. */
  baseUrl: z.url().optional(),
  /** Names the secret that holds its API key, in Secrets Manager: see `secretNameIn`. Locally the key is `<NAME>_API_KEY`. */
  secret: z.string().min(1),
  /** The account's own limits, such as a quota, in place of the provider's published ones. */
  limits: z
    .strictObject({
      maxRequests: z.number().int().positive().optional(),
      minRequests: z.number().int().positive().optional(),
      maxBytes: z.number().int().positive().optional(),
      maxEmbeddingInputs: z.number().int().positive().optional(),
      /** Prompt tokens of one model that wait at the provider at a time, by our estimate of four bytes a token. */
      maxEnqueuedTokens: z.number().int().positive().optional(),
    })
    .default({}),
  /** Models routed here, besides the built-in table; `*` stands for any characters. */
  models: z.array(z.string().min(1)).default([]),
  /** Whether what is known of single models is held, only warned of, or left aside: for what has aged. */
  model_rules: z.enum(ruleModes).default('enforce'),
  /** Prices of models that the public list has not, or has otherwise; `*` stands for any characters. */
  prices: ownPricesSchema.optional(),
  /** Provider batches open at a time, for accounts that limit them; without it as many as there are. */
  concurrency: z.number().int().positive().optional(),
  /** Provider batches created in an hour. Without it the provider's published limit. */
  createsPerHour: z.number().int().positive().optional(),
  /** How long a create may take before its outcome counts as unknown. */
  createTimeoutSeconds: z.number().positive().optional(),
  /** How long after an unknown create the provider's list may still lack it. */
  settleSeconds: z.number().nonnegative().optional(),
  /** How the requests of shards go that are too small for a batch. */
  live: z.strictObject(liveFields).prefault({}),
});

/** A base URL that must be named, since the SDK has no default: a server of one's own, a resource. */
export const requiredBaseUrl = z.url({
  error:
    'name the base URL of its API, such as https://llm.example.com/v1 or https://RESOURCE.openai.azure.com/openai/v1',
});

/** What the place where Batchdrop runs adds to an account that does not say it. */
export interface Timeouts {
  createTimeoutSeconds: number;
  settleSeconds: number;
}

/** The settings of an account as a provider's client gets them: parsed by its folder's own schema, with the timeouts. */
export type SettingsOf<Schema extends z.ZodType> = z.output<Schema> & Timeouts;

type CommonSettings = Omit<z.output<typeof accountSchema>, 'secret' | 'live' | keyof Timeouts>;

/** What is known of every account, whatever its kind. */
export interface AccountSettings extends CommonSettings, Timeouts {
  kind: string;
  secret?: string | undefined;
}

/** @returns the name of its secret, or null for an account that needs none. */
export function secretOf({ secret }: { secret?: string | undefined }): string | null {
  return secret ?? null;
}
