import { z } from 'zod';
import { type Endpoint, endpointOf, endpoints } from './endpoints.ts';
import { InvalidInputError } from './errors.ts';
import type { JsonObject } from './json.ts';
import { rememberSecret } from './known-secrets.ts';
import { optionMeantBy } from './option-names.ts';
import { parseJson } from './parse-json.ts';
import { outputFormats } from './table-kind.ts';

const halfOfPair =
  'holds half of a surrogate pair, as a text has that was cut inside an emoji: it has no form in UTF-8';

/** OpenAI's limits on metadata: 16 pairs, keys of 64 and values of 512 characters. Source: API reference, read 2026-11. */
export const metadataSchema = z
  .record(z.string().min(1).max(64), z.string().max(512))
  .refine((pairs) => Object.keys(pairs).length <= 16, { message: 'metadata holds at most 16 pairs' })
  .refine(
    (pairs) =>
      Object.entries(pairs)
        .flat()
        .every((text) => text.isWellFormed()),
    {
      message: halfOfPair,
    },
  );

/** When a file goes, counted from its creation. OpenAI's bounds: an hour to 30 days. Source: API reference, read 2026-11. */
export const expiresAfterSchema = z.object({
  anchor: z.literal('created_at'),
  seconds: z.number().int().min(3_600).max(2_592_000),
});

/** However it is written: `/chat/completions` is what Azure documents. */
export const endpointSchema = z.preprocess((value: Endpoint) => endpointOf(value) ?? value, z.enum(endpoints));

/** The options of a batch, the same names through all doors. */
export const batchOptionsSchema = z.strictObject({
  /** A provider's name in the configuration, for lines whose model does not name one. */
  provider: z.string().min(1).max(64).optional(),
  /** What the batch is for; without it the first line's url decides. */
  endpoint: endpointSchema.optional(),
  metadata: metadataSchema.optional(),
  /** Refuse what would otherwise be a warning, such as a parameter that the provider cannot take. */
  strict: z.boolean().default(false),
  /** What an invalid line does: fail the batch before anything is sent, or become a line of the error file. */
  on_invalid_line: z.enum(['fail', 'error_line']).default('fail'),
  /** What a model that no provider has does. */
  on_unknown_model: z.enum(['fail', 'error_line']).default('fail'),
  /** How often a request may be sent, where the earlier sendings failed for no fault of its own. */
  max_attempts: z.number().int().min(1).max(10).default(3),
  /** What an answer that was paid for and cannot be had does: become an error line, or be asked and paid for again. */
  on_lost_result: z.enum(['error', 'resend']).default('error'),
  /** Hours from creation after which what is unfinished is closed. Default: 24 for each attempt. */
  deadline_hours: z.number().min(0.001).max(2400).optional(),
  /** A batch that may cost more, or whose price is unknown, fails before anything is sent. US dollars. */
  max_cost_usd: z.number().min(0.000_001).max(1_000_000_000).optional(),
  /** Output tokens that a request without a limit counts, in place of the most that its model writes. */
  assume_output_tokens: z.number().int().positive().optional(),
  /** Who goes first when a provider's places are taken: a waiting shard asks again sooner or later. */
  priority: z.enum(['low', 'normal', 'high']).default('normal'),
  /** The same key and parameters give the same batch. */
  idempotency_key: z
    .string()
    .min(1)
    .max(255)
    .refine((key) => key.isWellFormed(), { message: halfOfPair })
    .optional(),
  /** End after validation, with a report and nothing sent. */
  dry_run: z.boolean().default(false),
  /** When the result files go; without it they stay. */
  output_expires_after: expiresAfterSchema.optional(),
  /** What stands between two cells of a table; without it a comma, and a tab in a `.tsv`. */
  delimiter: z.string().length(1).optional(),
  /** The columns of a table without a header, in their order; of a Parquet file those that are read, and stand in the results table. */
  columns: z.array(z.string().min(1).max(256)).min(1).max(1_000).optional(),
  /** Asks for a results table; for a table its own kind is the default. */
  output_format: z.enum(outputFormats).optional(),
  /** What the results table has of an answer: its text, the members of its JSON, or the whole body. */
  answer: z.enum(['text', 'json', 'body']).optional(),
  /** Whether answers are held against the schemas that their requests ask for. */
  check: z.enum(['schema', 'none']).optional(),
  /** What an answer of a table that cannot be used does: stand in its row as an error, or as it is. */
  on_invalid_output: z.enum(['error', 'keep']).optional(),
  /** Whether cells of a CSV that a spreadsheet would compute get an apostrophe before them. */
  escape_formulas: z.boolean().optional(),
});

export type BatchOptions = z.infer<typeof batchOptionsSchema>;

/** What may be asked for with a batch: its options, and what is kept apart from them and never shown. */
export const requestedOptionsSchema = batchOptionsSchema.extend({
  /** Of a task in a state machine that waits for the batch's end. Source: Step Functions API reference, SendTaskSuccess, read 2026-11. */
  task_token: z.string().min(1).max(2_048).optional(),
  /** A request whose texts hold placeholders for columns of a table (docs/tables.md). */
  template: z.record(z.string(), z.unknown()).optional(),
});

export type BatchOptionsInput = z.input<typeof requestedOptionsSchema>;

export interface RequestedOptions {
  options: BatchOptions;
  taskToken: string | null;
  /** Makes requests of rows; null for an input of requests. */
  template: JsonObject | null;
}

/** Options that say how a table is read, and what comes back for it. */
export const tableOptionNames = [
  'template',
  'delimiter',
  'columns',
  'output_format',
  'answer',
  'check',
  'on_invalid_output',
  'escape_formulas',
] as const satisfies readonly (keyof BatchOptionsInput)[];

/** @returns the options for requests that were made of a table's rows, without those that only a table has. */
export function withoutTableOptions<Options extends object>(
  options: Options,
): Omit<Options, (typeof tableOptionNames)[number]> {
  const kept = { ...options };
  for (const name of tableOptionNames) Reflect.deleteProperty(kept, name);
  return kept;
}

/** The options as they are shown: an idempotency key lets whoever knows it find the batch, and metadata is shown apart. */
export function shownOptions(options: BatchOptions): Omit<BatchOptions, 'metadata' | 'idempotency_key'> {
  const { metadata: _apart, idempotency_key: _private, ...shown } = options;
  return shown;
}

/** Hours a batch may take, all attempts together. */
export function deadlineHours(options: BatchOptions): number {
  return options.deadline_hours ?? 24 * options.max_attempts;
}

/**
 * Reads options from JSON, such as a sidecar or a request body. From here on, no text of this process shows the task's token.
 *
 * @throws InvalidInputError that names every wrong option and what it should be.
 */
export function parseRequestedOptions(value: unknown): RequestedOptions {
  const result = requestedOptionsSchema.safeParse(value);
  if (!result.success)
    throw new InvalidInputError('invalid_option', describeIssues(result.error) + meantOptions(result.error));
  const { task_token: taskToken = null, template = null, ...options } = result.data;
  if (taskToken !== null) rememberSecret(taskToken);
  return { options, taskToken, template };
}

/** @throws InvalidInputError likewise. */
export function parseOptions(value: unknown): BatchOptions {
  return parseRequestedOptions(value).options;
}

/** `; did you mean max_cost_usd?` for members that are no options. */
function meantOptions(error: z.ZodError): string {
  const unknown = error.issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []));
  const meant = unknown.flatMap((name) => optionMeantBy(name, optionNames) ?? []);
  return meant.length === 0 ? '' : `; did you mean ${[...new Set(meant)].join(', ')}?`;
}

export const optionNames: readonly string[] = Object.keys(requestedOptionsSchema.shape);

/**
 * Refuses names that are no options but were most likely meant as one. All other names are somebody else's, and harmless.
 *
 * @param names beside options, such as the members of a body that are neither options nor OpenAI's.
 * @param spelled how an option is written there.
 * @throws InvalidInputError `invalid_option`
 */
export function assertNoneMeant(names: readonly string[], spelled: (option: string) => string): void {
  for (const name of names) {
    const meant = optionMeantBy(name, optionNames);
    if (meant === null) continue;
    const message = `'${name.slice(0, 64)}' is no option; did you mean '${spelled(meant)}'? Nothing was sent.`;
    throw new InvalidInputError('invalid_option', message, { param: name.slice(0, 64) });
  }
}

/**
 * Refuses labels that are called as an option is: somebody who gives a limit must not get a label. Options of one word, such as
 * `priority`, may well be labels.
 *
 * @throws InvalidInputError `invalid_option`
 */
export function assertLabels(labels: Record<string, string> | undefined): void {
  for (const label of Object.keys(labels ?? {})) {
    const meant = optionMeantBy(
      label,
      optionNames.filter((option) => option.includes('_')),
    );
    if (meant === null) continue;
    const message = `metadata holds '${label}', which would be a mere label and no option. Give ${meant} beside metadata, or call the label otherwise.`;
    throw new InvalidInputError('invalid_option', message, { param: `metadata.${label}` });
  }
}

/** One line for a person: every issue, with the path of what it is about. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .map((issue) => (issue.path.length > 0 ? `${issue.path.join('.')}: ${issue.message}` : issue.message))
    .join('; ');
}

/** What an object's metadata says, and the names in it that are no options. */
export interface MetadataOptions {
  options: Record<string, unknown>;
  ignored: string[];
}

/**
 * Reads options from an S3 object's user metadata (`x-amz-meta-max-cost-usd: 50`). Keys that are no options are left
 * alone: many tools store their own.
 *
 * @throws InvalidInputError for a value that is none, and for a key that was most likely meant as an option.
 */
export function optionsFromObjectMetadata(metadata: Record<string, string>): MetadataOptions {
  const options: Record<string, unknown> = {};
  const ignored: string[] = [];
  for (const [name, text] of Object.entries(metadata)) {
    const option = optionNamed(name);
    const read = Object.hasOwn(textReaders, option) ? textReaders[option] : undefined;
    if (read) options[option] = read(text, name);
    else ignored.push(name);
  }
  assertNoneMeant(ignored, (option) => option.replaceAll('_', '-'));
  return { options, ignored };
}

/** The option that a name in an object's metadata stands for, however it is written. */
export function optionNamed(metadataName: string): string {
  return metadataName.toLowerCase().replaceAll('-', '_');
}

const textReaders: Record<string, (text: string, name: string) => unknown> = {
  provider: readText,
  endpoint: readText,
  metadata: readJson,
  strict: readBoolean,
  on_invalid_line: readText,
  on_unknown_model: readText,
  max_attempts: readNumber,
  on_lost_result: readText,
  deadline_hours: readNumber,
  max_cost_usd: readNumber,
  assume_output_tokens: readNumber,
  priority: readText,
  idempotency_key: readText,
  dry_run: readBoolean,
  output_expires_after: readJson,
  delimiter: readText,
  columns: readJson,
  output_format: readText,
  answer: readText,
  check: readText,
  on_invalid_output: readText,
  escape_formulas: readBoolean,
  task_token: readText,
  template: readJson,
};

function readText(text: string): string {
  return text;
}

function readNumber(text: string, name: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw wrongMetadata(name, text, 'a number');
  return value;
}

function readBoolean(text: string, name: string): boolean {
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw wrongMetadata(name, text, 'true or false');
}

function readJson(text: string, name: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    const expected = optionNamed(name) === 'metadata' ? 'a JSON object of strings' : 'JSON';
    throw wrongMetadata(name, text, expected, cause);
  }
}

function wrongMetadata(name: string, text: string, expected: string, cause?: unknown): InvalidInputError {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return new InvalidInputError('invalid_option', `x-amz-meta-${name}: expected ${expected}, but got "${shown}"`, {
    cause,
  });
}
