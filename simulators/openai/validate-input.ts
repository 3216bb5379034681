import { type BatchError, type BatchRecord, faultOf } from '../batch-record.ts';
import { type LineTraits, lineMatches } from '../fault-plan.ts';
import type { FaultOfKind } from '../faults.ts';
import { hasUnpairedSurrogate, isJsonObject, type JsonObject, parseJson } from '../json.ts';
import type { StoredLine } from '../jsonl-lines.ts';
import { maxBatchErrors } from './limits.ts';
import type { WireDialect } from './wire-dialect.ts';

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

const wholeLine = ['custom_id', 'method', 'url', 'body'];
const shortLine = ['custom_id', 'body'];

type InputRules = Pick<
  WireDialect,
  'limits' | 'isKnownModel' | 'foreignUrlCode' | 'refusesByteOrderMark' | 'namesModelWithBatch'
>;

/** A line that may be run. */
export interface RequestLine extends LineTraits {
  body: JsonObject;
}

/** Checks a batch's input line by line, as OpenAI does while a batch is `validating`; reports every bad line. */
export class InputValidation {
  readonly #endpoint: string;
  readonly #batchModel: string | undefined;
  readonly #wire: InputRules;
  readonly #refused: FaultOfKind<'refused_lines'> | undefined;
  readonly #lineByCustomId = new Map<string, number>();
  readonly #errors: BatchError[] = [];
  #model: string | null = null;
  #total = 0;
  #bytes = 0;

  constructor(record: BatchRecord, wire: InputRules) {
    this.#refused = faultOf(record, 'refused_lines');
    this.#endpoint = record.endpoint;
    this.#batchModel = record.model;
    this.#wire = wire;
  }

  get model(): string | null {
    return this.#model;
  }

  get total(): number {
    return this.#total;
  }

  get customIds(): string[] {
    return [...this.#lineByCustomId.keys()];
  }

  /** @returns the line, or null if it is bad. */
  check(line: StoredLine): RequestLine | null {
    this.#total += 1;
    this.#bytes = line.offset + line.bytes.length;
    const text = line.bytes.toString('utf8');
    const hasMark = this.#wire.refusesByteOrderMark && line.bytes.subarray(0, 3).equals(byteOrderMark);
    const parsed = hasMark ? null : parseJson(text);
    if (!isJsonObject(parsed) || hasUnpairedSurrogate(text, parsed)) {
      this.#report(line, 'invalid_json_line', 'This line is not parseable as valid JSON.', null);
      return null;
    }
    return this.#checkFields(line, parsed, text);
  }

  /** @returns all errors, those of the whole file first. */
  finish(): BatchError[] {
    return [...this.#wholeFileErrors(), ...this.#errors].slice(0, maxBatchErrors);
  }

  #checkFields(line: StoredLine, parsed: JsonObject, text: string): RequestLine | null {
    const { custom_id: customId, body } = parsed;
    for (const param of this.#wire.namesModelWithBatch ? shortLine : wholeLine) {
      if (parsed[param] === undefined || parsed[param] === null) {
        this.#report(line, 'missing_required_parameter', `Missing required parameter: '${param}'.`, param);
        return null;
      }
    }
    if (typeof customId !== 'string')
      return this.#refuse(line, `Invalid type for 'custom_id': expected a string.`, 'custom_id');
    if (!this.#checkAddress(line, parsed)) return null;
    if (!isJsonObject(body)) return this.#refuse(line, `Invalid type for 'body': expected an object.`, 'body');
    if (!this.#isNewCustomId(line, customId) || !this.#checkBody(line, body)) return null;
    const request = { customId, model: this.#batchModel ?? String(body.model), text, body };
    if (!this.#refused || !lineMatches(this.#refused.match, request)) return request;
    const place = this.#refused.names ? line.number : null;
    this.#add({ code: 'invalid_request', message: 'The request body is not valid.', param: 'body', line: place });
    return null;
  }

  #checkAddress(line: StoredLine, parsed: JsonObject): boolean {
    if (this.#wire.namesModelWithBatch) return this.#holdsNothingElse(line, parsed);
    if (parsed.method !== 'POST') {
      this.#refuse(line, `Invalid method: only 'POST' is supported.`, 'method');
      return false;
    }
    if (parsed.url === this.#endpoint) return true;
    const message = 'The URL provided for this request does not match the batch endpoint.';
    this.#report(line, this.#wire.foreignUrlCode, message, 'url');
    return false;
  }

  #holdsNothingElse(line: StoredLine, parsed: JsonObject): boolean {
    const other = Object.keys(parsed).find((name) => !shortLine.includes(name));
    if (other !== undefined) this.#refuse(line, `Unknown member: '${other}'.`, other);
    return other === undefined;
  }

  #isNewCustomId(line: StoredLine, customId: string): boolean {
    const firstLine = this.#lineByCustomId.get(customId);
    if (firstLine === undefined) {
      this.#lineByCustomId.set(customId, line.number);
      return true;
    }
    const message = `The custom_id '${customId}' is used on line ${firstLine} and on line ${line.number}. Each custom_id must be unique.`;
    this.#report(line, 'duplicate_custom_id', message, 'custom_id');
    return false;
  }

  #checkBody(line: StoredLine, body: JsonObject): boolean {
    const model = this.#batchModel ?? body.model;
    if (typeof model !== 'string' || model === '') {
      this.#report(line, 'invalid_request', 'Model parameter is required.', 'body.model');
      return false;
    }
    if (!this.#wire.isKnownModel(model)) {
      const message = `The provided model '${model}' is not supported by the Batch API.`;
      this.#report(line, 'model_not_found', message, 'body.model');
      return false;
    }
    this.#model ??= model;
    if (model !== this.#model) {
      const message = `The provided model '${model}' does not match the model '${this.#model}' of the first request. All requests in a batch must use the same model.`;
      this.#report(line, 'model_mismatch', message, 'body.model');
      return false;
    }
    if (body.stream === true) {
      const message = 'Chat Completions: Streaming is not supported in the Batch API.';
      this.#report(line, 'streaming_unsupported', message, 'body.stream');
      return false;
    }
    return true;
  }

  #wholeFileErrors(): BatchError[] {
    const { maxRequests, maxInputBytes } = this.#wire.limits;
    if (this.#total === 0) {
      return [
        {
          code: 'empty_file',
          message: 'The input file is empty. Please ensure that the batch file contains at least one request.',
          param: null,
          line: null,
        },
      ];
    }
    if (this.#total > maxRequests) {
      const message = `This batch contains ${this.#total} requests, which is more than the maximum of ${maxRequests}. Please try again with a smaller batch.`;
      return [{ code: 'too_many_tasks', message, param: null, line: null }];
    }
    if (this.#bytes > maxInputBytes) {
      const message = `The batch input file is larger than the ${maxInputBytes} maximum for the ${this.#model} model. Please try again with a smaller batch.`;
      return [{ code: 'invalid_request', message, param: null, line: null }];
    }
    return [];
  }

  #refuse(line: StoredLine, message: string, param: string): null {
    this.#report(line, 'invalid_request', message, param);
    return null;
  }

  #report(line: StoredLine, code: string, message: string, param: string | null): void {
    this.#add({ code, message, param, line: line.number });
  }

  #add(error: BatchError): void {
    if (this.#errors.length < maxBatchErrors) this.#errors.push(error);
  }
}
