import { parseExact } from '../../lines/exact-json.ts';
import { objectFrom, objectOf, textOf } from '../../lines/foreign-json.ts';
import { type LineOutcome, outcomeOf } from '../../lines/result-outcome.ts';
import { answerText, verdictOn } from '../../lines/verdict.ts';
import { type Pricer, pricerOf } from '../../providers/estimate/price.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { ShardRecord } from '../../records/shard.ts';
import type { AnswerPart, ResultColumns } from '../../tables/result-columns.ts';
import type { Column } from '../../tables/row.ts';
import type { ResultRow } from '../../tables/table-encoder.ts';
import { textProblem, type ValueCheck } from '../../tables/text-problem.ts';
import { modelOf, usageOf } from '../answer-fields.ts';
import { findAccount } from '../configured-account.ts';
import type { Services } from '../services.ts';
import type { SentResult } from './sent-results.ts';

/** What a row of the results table has, made of the input's row and of the results of its request. */
export class RowValues {
  readonly #services: Services;
  readonly #columns: ResultColumns;
  readonly #inputNames: readonly string[];
  readonly #hasBody: boolean;
  readonly #rules: AnswerRules;
  /** Answers so far that cannot be used. */
  invalidOutputs = 0;
  readonly #pricers = new Map<string, Pricer | null>();

  constructor(services: Services, columns: ResultColumns, input: readonly Column[], rules: AnswerRules) {
    this.#rules = rules;
    this.#services = services;
    this.#columns = columns;
    this.#inputNames = input.map(({ name }) => name);
    this.#hasBody = columns.answer.some(({ part }) => part.from === 'body');
  }

  /**
   * @param kept the input's row; null for a request that was no row.
   * @param results of all its sendings, the last one last.
   */
  rowOf(kept: string | null, results: readonly SentResult[]): ResultRow {
    const last = results.at(-1);
    const line = last && (this.#hasBody ? exactObject(last.bytes) : objectFrom(last.bytes));
    const outcome: LineOutcome = line ? outcomeOf(line) : noResult;
    const read = this.#answerOf(outcome);
    const usage = outcome.answered ? usageOf(outcome.body) : null;
    const failure = outcome.answered ? read.failure : outcome;
    const own = [
      typeof line?.custom_id === 'string' ? line.custom_id : null,
      failure?.code ?? null,
      failure?.message ?? null,
      modelOf(outcome) ?? (last?.shard.provider ? last.shard.model : null),
      usage?.input_tokens ?? null,
      usage?.output_tokens ?? null,
      this.#costOf(results),
    ];
    return { kept, input: this.#inputOf(kept), values: [...read.values, ...own] };
  }

  #inputOf(kept: string | null): unknown[] {
    if (kept === null) return [];
    const row = parseExact(kept);
    if (Array.isArray(row)) return this.#inputNames.map((_name, place) => row[place] ?? null);
    return this.#inputNames.map((name) => (isObject(row) && Object.hasOwn(row, name) ? row[name] : null));
  }

  #answerOf(outcome: LineOutcome): AnswerValues {
    const parts = this.#columns.answer.map(({ part }) => part);
    if (!outcome.answered) return { values: parts.map(() => null), failure: null };
    const text = answerText(outcome.body);
    const { check, keepsInvalid } = this.#rules;
    const needsObject = parts.some(({ from }) => from === 'member');
    const needsJson = needsObject || parts.some(({ from }) => from === 'json');
    if (!needsJson && !check)
      return { values: parts.map((part) => partOf(part, outcome.body, text, null)), failure: null };
    const verdict = verdictOn(outcome.body, (written) => textProblem(written, needsObject, check));
    const json = text === null ? null : parsed(text);
    if (verdict.usable) return { values: parts.map((part) => partOf(part, outcome.body, text, json)), failure: null };
    this.invalidOutputs += 1;
    if (keepsInvalid) return { values: parts.map((part) => partOf(part, outcome.body, text, json)), failure: null };
    const message = `The answer cannot be used: ${verdict.message}${text === null ? '' : `: ${text.slice(0, shownCharacters)}`}`;
    const values = parts.map((part) => (isOfJson(part) ? null : partOf(part, outcome.body, text, null)));
    return { values, failure: { code: verdict.code, message } };
  }

  /** Of all sendings: each that was answered was paid for. */
  #costOf(results: readonly SentResult[]): number | null {
    let sum: number | null = null;
    for (const { shard, bytes } of results) {
      const line = objectFrom(bytes);
      const outcome = line && outcomeOf(line);
      const usage = outcome && usageOf(outcome.body);
      if (!usage || usage.total_tokens === 0) continue;
      const pricer = this.#pricerOf(shard);
      const usd = shard.live
        ? pricer?.single(usage, textOf(objectOf(outcome.body)?.service_tier))
        : pricer?.batch(usage);
      if (usd === null || usd === undefined) return null;
      sum = (sum ?? 0) + usd;
    }
    return sum;
  }

  #pricerOf({ provider, model }: ShardRecord): Pricer | null {
    const name = JSON.stringify([provider, model]);
    const known = this.#pricers.get(name);
    if (known !== undefined) return known;
    const account = provider === null ? null : findAccount(this.#services, provider);
    const pricer = account && pricerOf(account, model);
    this.#pricers.set(name, pricer);
    return pricer;
  }
}

/** How answers are judged. */
export interface AnswerRules {
  /** Null where they are held against no schema. */
  check: ValueCheck | null;
  /** Whether an answer that cannot be used stands in its row all the same. */
  keepsInvalid: boolean;
}

interface AnswerValues {
  values: unknown[];
  failure: { code: string; message: string } | null;
}

/** Of an answer that is not what was asked for. */
const shownCharacters = 1_000;

const noResult: LineOutcome = {
  answered: false,
  code: 'invalid_result_line',
  message: 'The result line cannot be read.',
  statusCode: null,
  body: null,
};

/** The JSON of a text, with the numbers in their own spelling; null where it is none. */
function parsed(text: string): unknown {
  try {
    return parseExact(text);
  } catch {
    return null;
  }
}

function isOfJson({ from }: AnswerPart): boolean {
  return from === 'json' || from === 'member';
}

function partOf(part: AnswerPart, body: unknown, text: string | null, json: unknown): unknown {
  switch (part.from) {
    case 'text':
      return text;
    case 'body':
      return body;
    case 'json':
      return json;
    case 'member':
      return isObject(json) && Object.hasOwn(json, part.member) ? json[part.member] : null;
  }
}

/** The line, with the numbers of its body in their own spelling. */
function exactObject(bytes: Buffer): JsonObject | null {
  try {
    return objectOf(parseExact(bytes.toString('utf8')));
  } catch {
    return null;
  }
}
