import { z } from 'zod';
import { ConfigurationError } from '../records/errors.ts';
import { tenantPattern } from '../records/ids.ts';
import { batchOptionsSchema, describeIssues } from '../records/options.ts';

/** How requests are sent one by one: by accounts of kind `live`, and for shards below a provider's minimum. */
const liveFields = {
  /** Calls under way at a time, of all functions together. A restart repeats at most so many. */
  maxConcurrency: z.number().int().positive().max(10_000).default(64),
  /** The account's own limits, kept by all functions together; without them only the endpoint's 429 slows us down. */
  requestsPerMinute: z.number().int().positive().optional(),
  tokensPerMinute: z.number().int().positive().optional(),
  /** How long a call may take. Node's fetch waits no longer than 300 s for the first byte. */
  requestTimeoutSeconds: z.number().positive().max(300).default(300),
};

/** What every provider account can say. */
const accountSchema = z.strictObject({
  /** Where its API is; the SDK's own default without it. Only the deployment says this, never a request. */
  baseUrl: z.url().optional(),
  /** Name of the secret that holds its API key, in Secrets Manager. Locally the key is `<NAME>_API_KEY`. */
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

/** Where the SDK has no default: a server of one's own, a resource. */
const baseUrl = z.url({
  error:
    'name the base URL of its API, such as https://llm.example.com/v1 or https://RESOURCE.openai.azure.com/openai/v1',
});

/** A provider account, by the kind of its provider. Its name is free, so two teams can have an account each. */
export const providerConfigSchema = z.discriminatedUnion('kind', [
  accountSchema.extend({ kind: z.literal('openai') }),
  accountSchema.extend({ kind: z.literal('anthropic') }),
  accountSchema.extend({ kind: z.literal('gemini') }),
  /** Its `baseUrl` is that of Vertex, and of Cloud Storage too unless `storageUrl` says otherwise. */
  accountSchema.extend({
    kind: z.literal('vertex'),
    /** Of a service account's key, of a workload identity's configuration or of an access token; without it the application default credentials count. */
    secret: z.string().min(1).optional(),
    /** The Google Cloud project's id. */
    project: z.string().regex(/^[a-z0-9][a-z0-9:.-]*$/, 'a project id looks like my-project-123456'),
    /** Where its jobs run, such as `us-central1` or `global`. */
    location: z.string().regex(/^[a-z]+(-[a-z]+[0-9]+)?$/, 'a location looks like us-central1 or global'),
    /** Name of the bucket in Cloud Storage that holds inputs and outputs, below `batchdrop/`. */
    bucket: z.string().regex(/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/, 'a bucket is its bare name, without gs://'),
    storageUrl: z.url().optional(),
  }),
  accountSchema.extend({
    kind: z.literal('groq'),
    /** How long a batch may take, from `24h` to `7d`; the longer, the more likely it is to be done. */
    completionWindow: z
      .string()
      .regex(/^([1-9]\d*h|[1-7]d)$/, 'a completion window looks like 24h or 7d')
      .default('24h'),
  }),
  accountSchema.extend({ kind: z.literal('together') }),
  accountSchema.extend({ kind: z.literal('xai') }),
  accountSchema
    .extend({
      kind: z.literal('azure'),
      /** The resource's, such as https://RESOURCE.openai.azure.com/openai/v1 */
      baseUrl,
      /** With `key` the secret is the resource's API key; with `entra` Microsoft Entra ID gives tokens. */
      auth: z.enum(['key', 'entra']).default('key'),
      /**
       * With `entra`: a secret of `{"tenantId", "clientId", "clientSecret"}`; without it the environment's own identity
       * (DefaultAzureCredential).
       */
      secret: z.string().min(1).optional(),
      /** What a token is asked for; sovereign clouds have their own. */
      tokenScope: z.string().min(1).default('https://cognitiveservices.azure.com/.default'),
    })
    .refine(({ auth, secret }) => auth === 'entra' || secret !== undefined, {
      path: ['secret'],
      error: "name the secret that holds the resource's API key, or set auth to entra",
    }),
  accountSchema.extend({
    kind: z.literal('mistral'),
    /** Hours that a job may take. Source: @mistralai/mistralai 2.7 `CreateBatchJobRequest`; 168 is the documented most. */
    timeoutHours: z.number().int().min(1).max(168).default(24),
  }),
  /** Any server that speaks OpenAI's /v1/files and /v1/batches. */
  accountSchema.extend({
    kind: z.literal('openai-compatible'),
    /** With its /v1, if it has one. */
    baseUrl,
    /** Absent for a server without keys. */
    secret: z.string().min(1).optional(),
    /** What its batches allow; `24h` is all that OpenAI itself knows. */
    completionWindow: z.string().min(1).default('24h'),
  }),
  /** Batch inference on Amazon Bedrock, in the AWS account that Batchdrop runs in: its roles stand for a key. */
  accountSchema.extend({
    kind: z.literal('bedrock'),
    secret: z.undefined({ error: 'Bedrock takes no key: leave it out' }).optional(),
    /** Where its jobs run, which must be where the bucket is. Without it the stack's own region. */
    region: z
      .string()
      .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region looks like us-east-1')
      .optional(),
    /** Where single calls go, such as a VPC endpoint of bedrock-runtime; without it `baseUrl`. */
    runtimeBaseUrl: z.url().optional(),
    /** Role by which Bedrock reads and writes the bucket. Without it the one that the stack makes. */
    roleArn: z
      .string()
      .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/, 'the ARN of an IAM role')
      .optional(),
    /** Hours after which Bedrock ends a job with what is done. Without it Bedrock's own default. */
    timeoutHours: z.number().int().min(24).max(168).optional(),
  }),
  /** Any endpoint that answers requests one by one: vLLM, Ollama, a gateway, a model without batches. */
  accountSchema.omit({ live: true }).extend({
    kind: z.literal('live'),
    /** What it speaks. */
    api: z.enum(['openai', 'anthropic']),
    /** With its /v1 for `openai`, without for `anthropic`. */
    baseUrl,
    /** Absent for a server without keys. */
    secret: z.string().min(1).optional(),
    ...liveFields,
    /** Functions that send at a time; they share the calls and the budgets. */
    concurrency: z.number().int().positive().default(1),
  }),
]);

type ProviderConfigInput = z.infer<typeof providerConfigSchema>;
export type ProviderKind = ProviderConfigInput['kind'];

/** The accounts of one kind of provider. */
export type ConfigOfKind<Kind extends ProviderKind> = Extract<ProviderConfig, { kind: Kind }>;

export const providerKinds: readonly ProviderKind[] = providerConfigSchema.options.map(({ shape }) => shape.kind.value);

/** Those with batches of their own. */
export type BatchProviderKind = Exclude<ProviderKind, 'live'>;

export const batchProviderKinds = providerKinds.filter((kind): kind is BatchProviderKind => kind !== 'live');

/** With the defaults of where it runs. */
export type ProviderConfig = ProviderConfigInput & { createTimeoutSeconds: number; settleSeconds: number };

/** @returns the name of its secret, or null for an account that needs none. */
export function secretOf(config: ProviderConfig): string | null {
  return config.secret ?? null;
}

/** How an account's live calls go. */
export interface LiveSettings {
  maxConcurrency: number;
  requestsPerMinute: number | null;
  tokensPerMinute: number | null;
  requestTimeoutSeconds: number;
  /** Functions that share them. */
  functions: number;
}

export function liveSettingsOf(config: ProviderConfig): LiveSettings {
  const { maxConcurrency, requestTimeoutSeconds, ...budgets } = config.kind === 'live' ? config : config.live;
  return {
    maxConcurrency,
    requestTimeoutSeconds,
    requestsPerMinute: budgets.requestsPerMinute ?? null,
    tokensPerMinute: budgets.tokensPerMinute ?? null,
    functions: config.kind === 'live' ? config.concurrency : 1,
  };
}

/** Where an API client's `input_file_id` may point, besides files of its own. Ends with a slash, so that no other name begins with it. */
const inputPrefix = z
  .string()
  .regex(
    /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/(?:.*\/)?$/,
    'an input prefix looks like s3://bucket/ or s3://bucket/folder/',
  );

const providerName = z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/, 'a provider name is of a-z, 0-9, _, . and -');

export const configSchema = z
  .strictObject({
    providers: z.record(providerName, providerConfigSchema),
    /** Options of a batch that says nothing else. */
    defaults: batchOptionsSchema.partial().default({}),
    /** Tenants with an inbox folder of their own, besides `default`. */
    tenants: z.array(z.string().regex(tenantPattern)).default([]),
    /** `s3://` prefixes whose objects the API takes as input; `{tenant}` in one stands for the caller's tenant. */
    inputPrefixes: z.array(inputPrefix).default([]),
    /** Origins whose web pages may call the API; none unless named. */
    corsOrigins: z.array(z.url()).default([]),
    /** Bounds of the pause between two looks at the providers. */
    polling: z
      .strictObject({ minSeconds: z.number().int().positive(), maxSeconds: z.number().int().positive() })
      .optional(),
  })
  .refine((config) => Object.keys(config.providers).length > 0, { message: 'providers: name at least one' })
  .refine(({ polling }) => !polling || polling.minSeconds <= polling.maxSeconds, {
    message: 'polling: minSeconds is above maxSeconds',
  });

type ConfigInput = z.infer<typeof configSchema>;

/** With the defaults of where it runs. */
export interface Config extends ConfigInput {
  providers: Record<string, ProviderConfig>;
  polling: { minSeconds: number; maxSeconds: number };
}

/** In AWS each look costs; locally nobody pays, and a person waits. */
const defaultsOf = {
  aws: { polling: { minSeconds: 15, maxSeconds: 600 }, createTimeoutSeconds: 120, settleSeconds: 60 },
  local: { polling: { minSeconds: 1, maxSeconds: 5 }, createTimeoutSeconds: 30, settleSeconds: 2 },
} as const;

/**
 * @param text the contents of `batchdrop.config.json`.
 * @param origin the file's name, for the error.
 * @param place whose defaults hold.
 * @throws ConfigurationError that says what is missing or unknown.
 */
export function parseConfig(text: string, origin: string, place: 'aws' | 'local' = 'aws'): Config {
  const result = configSchema.safeParse(parseJson(text, origin));
  if (result.success) return withDefaults(result.data, place);
  throw new ConfigurationError(`${origin}: ${describeIssues(result.error)}`);
}

function parseJson(text: string, origin: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigurationError(`${origin} is not valid JSON.`, { cause });
  }
}

function withDefaults(config: ConfigInput, place: 'aws' | 'local'): Config {
  const { polling, createTimeoutSeconds, settleSeconds } = defaultsOf[place];
  const providers = Object.entries(config.providers).map(([name, given]): [string, ProviderConfig] => [
    name,
    {
      ...given,
      createTimeoutSeconds: given.createTimeoutSeconds ?? createTimeoutSeconds,
      settleSeconds: given.settleSeconds ?? settleSeconds,
    },
  ]);
  return { ...config, providers: Object.fromEntries(providers), polling: config.polling ?? polling };
}

/** What to say of a provider that the configuration lacks. */
export function unknownProvider(name: string, config: Config): string {
  return `The provider '${name}' is not configured; configured are: ${Object.keys(config.providers).join(', ')}.`;
}
