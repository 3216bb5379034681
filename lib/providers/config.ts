import { z } from 'zod';
import { deploymentSettingsSchema } from '../records/deployment-settings.ts';
import { ConfigurationError } from '../records/errors.ts';
import { tenantPattern } from '../records/ids.ts';
import { excessOf, maximaSchema } from '../records/maxima.ts';
import { batchOptionsSchema, describeIssues } from '../records/options.ts';
import type { Timeouts } from './account.ts';
import { exampleEntry, kindNamed } from './example-entry.ts';
import { type ProviderKind, registered } from './registry.ts';

const { openai, ...others } = registered;

/** A provider account, by the kind of its provider. Its name is free, so two teams can have an account each. */
export const providerConfigSchema = z.discriminatedUnion('kind', [
  openai.settings,
  ...Object.values(others).map(({ settings }) => settings),
]);

type ProviderConfigInput = z.infer<typeof providerConfigSchema>;

export type { ProviderKind } from './registry.ts';

export const providerKinds: readonly ProviderKind[] = Object.values(registered).map(({ kind }) => kind);

/** Those with batches of their own. */
export type BatchProviderKind = Exclude<ProviderKind, 'live'>;

export const batchProviderKinds = providerKinds.filter((kind): kind is BatchProviderKind => kind !== 'live');

/** The accounts of one kind of provider. */
export type ConfigOfKind<Kind extends ProviderKind> = Extract<ProviderConfig, { kind: Kind }>;

/** With the defaults of where it runs. */
export type ProviderConfig = ProviderConfigInput & Timeouts;

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
    /** What no batch may pass, whatever it asks for. Unlike `defaults`, no request raises them. */
    maxima: maximaSchema.default({}),
    /** Tenants with an inbox folder of their own, besides `default`. */
    tenants: z.array(z.string().regex(tenantPattern)).default([]),
    /** `s3://` prefixes whose objects the API takes as input; `{tenant}` in one stands for the caller's tenant. */
    inputPrefixes: z.array(inputPrefix).default([]),
    /** State machines whose tasks may wait for a batch, in the deployment's region: `task_token` answers these and no others. */
    taskMachines: z
      .array(
        z
          .string()
          .regex(
            /^arn:[a-z-]+:states:[a-z0-9-]+:\d{12}:stateMachine:[^\s:*?$]{1,80}$/,
            'the ARN of a state machine, arn:aws:states:...:stateMachine:name',
          ),
      )
      .default([]),
    /** Origins whose web pages may call the API; none unless named. */
    corsOrigins: z.array(z.url()).default([]),
    /** Days that a batch's work files are kept after its end; for so long its lost results can be collected again. */
    workKeepDays: z.number().int().positive().default(7),
    /** How it stands on AWS. The functions do not read it. */
    deployment: deploymentSettingsSchema.prefault({}),
    /** Bounds of the pause between two looks at the providers. */
    polling: z
      .strictObject({ minSeconds: z.number().int().positive(), maxSeconds: z.number().int().positive() })
      .optional(),
  })
  .refine((config) => Object.keys(config.providers).length > 0, { message: 'providers: name at least one' })
  .superRefine(({ defaults, maxima }, context) => {
    const excess = excessOf(maxima, batchOptionsSchema.parse(defaults));
    if (!excess) return;
    const { name, asked, most } = excess;
    const message = `${name} is ${asked} for a batch that says nothing, above its maximum of ${most}: name a lower one`;
    context.addIssue({ code: 'custom', path: ['defaults', name], message });
  })
  .refine(({ polling }) => !polling || polling.minSeconds <= polling.maxSeconds, {
    message: 'polling: minSeconds is above maxSeconds',
  });

/** As a file says it, before defaults. */
export type ConfigInput = z.input<typeof configSchema>;

type ParsedConfig = z.infer<typeof configSchema>;

/** With the defaults of where it runs. */
export interface Config extends ParsedConfig {
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

function withDefaults(config: ParsedConfig, place: 'aws' | 'local'): Config {
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
  const kind = kindNamed(name);
  const entry = kind === null ? '' : ` Add ${exampleEntry(kind)} to 'providers' in batchdrop.config.json to use it.`;
  return `The provider '${name}' is not configured; configured are: ${Object.keys(config.providers).join(', ')}.${entry}`;
}
