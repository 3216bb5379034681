import { splitLines } from '../../lib/lines/jsonl.ts';
import { costOf } from '../../lib/pipeline/cost.ts';
import { EstimateByModel, estimateUsage } from '../../lib/pipeline/estimate.ts';
import { type AcceptedLine, LineValidation, type RefusedLine } from '../../lib/pipeline/prepare/line-validation.ts';
import { type Config, unknownProvider } from '../../lib/providers/config.ts';
import { providerOf } from '../../lib/providers/registry.ts';
import type { Cost } from '../../lib/records/batch.ts';
import type { Endpoint } from '../../lib/records/endpoints.ts';
import { ConfigurationError, InvalidInputError, safeText } from '../../lib/records/errors.ts';
import type { LineError } from '../../lib/records/openai-batch.ts';
import type { BatchOptions } from '../../lib/records/options.ts';

/** Something to say about one line. */
export interface FileFinding {
  severity: 'error' | 'warning';
  /** From 1; null for the file as a whole. */
  line: number | null;
  code: string;
  message: string;
  param: string | null;
}

/** Requests that go to the same place. */
interface Group {
  provider: string;
  model: string;
  endpoint: Endpoint;
  requests: number;
}

export interface FileReport {
  lines: number;
  invalid_lines: number;
  errors: number;
  warnings: number;
  /** Whether a batch of this file would fail before anything is sent. */
  would_fail: boolean;
  endpoint: Endpoint | null;
  groups: Group[];
  estimated_input_tokens: number;
  /** At most, by the requests' own limits. */
  estimated_output_tokens: number;
  estimated_cost: Cost;
}

/** Holds every line of a file against the rules of a batch. Memory holds the custom_ids; findings are handed out. */
export class FileValidation {
  readonly #options: BatchOptions;
  readonly #targets: ReturnType<typeof offlineTargets>;
  readonly #validation: LineValidation;
  readonly #estimates: EstimateByModel;
  readonly #groups = new Map<string, Group>();
  readonly #counts = { lines: 0, invalid_lines: 0, errors: 0, warnings: 0 };
  #wouldFail = false;

  /** @throws InvalidInputError for a provider that is not configured. */
  constructor(config: Config, options: BatchOptions) {
    const { provider } = options;
    if (provider !== undefined && !Object.hasOwn(config.providers, provider))
      throw new InvalidInputError('invalid_option', unknownProvider(provider, config), { param: 'provider' });
    this.#options = options;
    this.#targets = offlineTargets(config);
    this.#estimates = new EstimateByModel((name) => this.#targets.account(name));
    this.#validation = new LineValidation(this.#targets, options);
  }

  async *findings(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FileFinding> {
    for await (const lines of splitLines(chunks))
      for (const line of lines) {
        this.#counts.lines += 1;
        const outcome = this.#validation.validate(line);
        yield* 'errors' in outcome ? this.#refuse(outcome) : this.#accept(outcome);
      }
    if (this.#counts.lines === 0) yield this.#emptyFile();
  }

  report(): FileReport {
    const total = this.#estimates.tokens();
    const parts = this.#estimates.list().map(({ provider, model, batchUsd }) => ({ provider, model, usd: batchUsd }));
    return {
      ...this.#counts,
      would_fail: this.#wouldFail,
      endpoint: this.#validation.endpoint ?? null,
      groups: [...this.#groups.values()],
      estimated_input_tokens: total.input,
      estimated_output_tokens: total.output,
      estimated_cost: costOf(parts),
    };
  }

  #refuse({ errors }: RefusedLine): FileFinding[] {
    this.#counts.invalid_lines += 1;
    this.#counts.errors += errors.length;
    this.#wouldFail ||= !errors.every((error) => this.#mayBeErrorLine(error));
    return errors.map((error) => ({ severity: 'error', ...error, message: safeText(error.message) }));
  }

  #mayBeErrorLine(error: LineError): boolean {
    const { on_invalid_line, on_unknown_model } = this.#options;
    return (error.code === 'model_not_found' ? on_unknown_model : on_invalid_line) === 'error_line';
  }

  #accept({ request, route, sentBytes, warnings }: AcceptedLine): FileFinding[] {
    this.#estimates.of(route.provider, route.model).add(estimateUsage(request, sentBytes));
    const key = JSON.stringify([route.provider, route.model, request.endpoint]);
    const group = this.#groups.get(key) ?? { ...route, endpoint: request.endpoint, requests: 0 };
    this.#groups.set(key, { ...group, requests: group.requests + 1 });
    this.#counts.warnings += warnings.length;
    return warnings.map((warning) => ({ severity: 'warning', line: request.lineNumber, ...warning }));
  }

  #emptyFile(): FileFinding {
    this.#counts.errors += 1;
    this.#wouldFail = true;
    const message = 'The input file is empty: it has no request lines.';
    return { severity: 'error', line: null, code: 'empty_file', message, param: null };
  }
}

/** The configured providers without their keys: nothing is called. */
function offlineTargets(config: Config) {
  return {
    config,
    account(name: string) {
      const configured = Object.hasOwn(config.providers, name) ? config.providers[name] : undefined;
      if (!configured) throw new ConfigurationError(unknownProvider(name, config));
      return { name, config: configured, provider: providerOf(configured) };
    },
  };
}
