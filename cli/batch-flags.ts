import { type Command, Option } from 'commander';
import { endpoints } from '../lib/records/endpoints.ts';
import type { BatchOptionsInput } from '../lib/records/options.ts';
import { outputFormats } from '../lib/records/table-kind.ts';
import {
  parseDelimiter,
  parseDuration,
  parseEndpoint,
  parseMetadata,
  parseNames,
  parsePositive,
  parseWhole,
} from './option-values.ts';

/** Flags of a batch, the same names as everywhere else (docs/options.md). */
export interface BatchFlags {
  provider?: string;
  endpoint?: BatchOptionsInput['endpoint'];
  strict?: boolean;
  onInvalidLine?: BatchOptionsInput['on_invalid_line'];
  onUnknownModel?: BatchOptionsInput['on_unknown_model'];
  metadata?: Record<string, string>;
  maxCostUsd?: number;
  assumeOutputTokens?: number;
  maxAttempts?: number;
  onLostResult?: BatchOptionsInput['on_lost_result'];
  deadlineHours?: number;
  priority?: BatchOptionsInput['priority'];
  idempotencyKey?: string;
  dryRun?: boolean;
  /** Seconds. */
  outputExpiresAfter?: number;
  taskToken?: string;
  delimiter?: string;
  columns?: string[];
  outputFormat?: BatchOptionsInput['output_format'];
  answer?: BatchOptionsInput['answer'];
  escapeFormulas?: boolean;
  check?: BatchOptionsInput['check'];
  onInvalidOutput?: BatchOptionsInput['on_invalid_output'];
}

/** The flags that decide which lines are right. */
export function withLineFlags(command: Command): Command {
  return command
    .option('--provider <name>', 'where lines go whose model names no provider')
    .addOption(
      new Option('--endpoint <path>', "what the batch is for (default: the first line's url)")
        .choices(endpoints)
        .argParser(parseEndpoint),
    )
    .option('--strict', 'refuse parameters that a provider cannot take, instead of warning')
    .addOption(
      new Option(
        '--on-invalid-line <what>',
        'an invalid line fails the batch (default), or becomes an error line',
      ).choices(['fail', 'error_line']),
    )
    .addOption(
      new Option('--on-unknown-model <what>', 'the same for a model that no provider has').choices([
        'fail',
        'error_line',
      ]),
    )
    .option('--max-cost-usd <dollars>', 'send nothing if it may cost more', parsePositive)
    .option(
      '--assume-output-tokens <count>',
      "what a request without a limit on output counts (default: the model's maximum)",
      parseWhole,
    );
}

/** The flags that say how a table is read. */
export function withRowFlags(command: Command): Command {
  return command
    .option('--template <file>', 'a table: the request that is made of each row, with placeholders for columns')
    .option(
      '--delimiter <character>',
      'what stands between two cells (default: a comma, a tab in a .tsv)',
      parseDelimiter,
    )
    .option(
      '--columns <names>',
      'of a table without a header its columns, of Parquet those that are wanted; with commas between them',
      parseNames,
    );
}

/** All flags for a table. */
export function withTableFlags(command: Command): Command {
  return withRowFlags(command)
    .addOption(
      new Option('--output-format <format>', 'asks for a results table (default for a table: its own)').choices(
        outputFormats,
      ),
    )
    .addOption(
      new Option('--answer <part>', 'what the results table has of an answer').choices(['text', 'json', 'body']),
    )
    .addOption(
      new Option('--check <what>', "whether answers are held against the template's schema (default: schema)").choices([
        'schema',
        'none',
      ]),
    )
    .addOption(
      new Option(
        '--on-invalid-output <what>',
        'an answer that does not fit is an error of its row (default), or stays',
      ).choices(['error', 'keep']),
    )
    .option('--escape-formulas', 'a CSV for spreadsheets: an apostrophe before what they would compute');
}

/** The flags that decide how a batch runs. */
export function withRunFlags(command: Command): Command {
  return command
    .option('--metadata <key=value>', 'kept on the batch; may be given up to 16 times', parseMetadata)
    .option('--max-attempts <times>', 'how often a request may be sent, 1 to 10 (default: 3)', parseWhole)
    .addOption(
      new Option(
        '--on-lost-result <what>',
        'an answer that was paid for and is lost becomes an error (default), or is paid for again',
      ).choices(['error', 'resend']),
    )
    .option('--deadline-hours <hours>', 'when what is unfinished is closed (default: 24 per attempt)', parsePositive)
    .addOption(
      new Option('--priority <level>', "who goes first when a provider's places are taken").choices([
        'low',
        'normal',
        'high',
      ]),
    )
    .option('--idempotency-key <key>', 'the same key and file give the same batch')
    .option('--output-expires-after <time>', 'when the result files go, 1h to 30d (default: they stay)', parseDuration)
    .addOption(
      new Option('--task-token <token>', 'of a task in a state machine that waits for the end').env(
        'BATCHDROP_TASK_TOKEN',
      ),
    )
    .option('--dry-run', 'validate there and report; send nothing');
}

/** @returns the options that were given, by the names that API and drop use. */
export function optionsOf(flags: BatchFlags): BatchOptionsInput {
  const options = {
    provider: flags.provider,
    endpoint: flags.endpoint,
    strict: flags.strict,
    on_invalid_line: flags.onInvalidLine,
    on_unknown_model: flags.onUnknownModel,
    metadata: flags.metadata,
    max_cost_usd: flags.maxCostUsd,
    assume_output_tokens: flags.assumeOutputTokens,
    max_attempts: flags.maxAttempts,
    on_lost_result: flags.onLostResult,
    deadline_hours: flags.deadlineHours,
    priority: flags.priority,
    idempotency_key: flags.idempotencyKey,
    dry_run: flags.dryRun,
    output_expires_after: expiryOf(flags.outputExpiresAfter),
    task_token: flags.taskToken,
    delimiter: flags.delimiter,
    columns: flags.columns,
    output_format: flags.outputFormat,
    answer: flags.answer,
    escape_formulas: flags.escapeFormulas,
    check: flags.check,
    on_invalid_output: flags.onInvalidOutput,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function expiryOf(seconds: number | undefined): BatchOptionsInput['output_expires_after'] {
  return seconds === undefined ? undefined : { anchor: 'created_at', seconds };
}
