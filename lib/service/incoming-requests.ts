import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { ArrayElements } from '../lines/array-elements.ts';
import { membersOf, splice } from '../lines/json-spans.ts';
import { maxLineBytes } from '../lines/jsonl.ts';
import { holdsUnpairedSurrogate, mayHoldSurrogates } from '../lines/unpaired-surrogates.ts';
import type { Services } from '../pipeline/services.ts';
import { InvalidInputError, messageOf } from '../records/errors.ts';
import type { FileRecord } from '../records/file.ts';
import { isObject, type JsonObject } from '../records/json.ts';
import { parseJson } from '../records/parse-json.ts';
import { IncomingFile } from './files.ts';

/** Source: https://platform.claude.com/docs/en/build-with-claude/batch-processing, limits, read 2026-11. */
export const maxMessageRequests = 100_000;
const customIdPattern = /^[a-zA-Z0-9_-]{1,64}$/;

const requestSchema = z.strictObject({
  custom_id: z.string().regex(customIdPattern, `String should match pattern '${customIdPattern.source}'`),
  params: z.record(z.string(), z.unknown()),
});

const fileName = 'requests.jsonl';

/** What a creation asks for, once its body has been read. */
export interface ReceivedRequests {
  file: FileRecord;
  count: number;
  /** The members of the body beside `requests`. */
  others: JsonObject;
}

/**
 * Reads the body of a creation of message batches, `{"requests": [{custom_id, params}, ...]}`, into a file of one request a line, while
 * it comes in: memory holds one request, and the ids.
 */
export class IncomingRequests {
  readonly #file: IncomingFile;
  readonly #betas: readonly string[];
  readonly #elements = new ArrayElements('requests', { maxElementBytes: maxLineBytes });
  readonly #customIds = new Set<string>();
  #complaint: InvalidInputError | null = null;

  /** @param betas that the whole batch asks for: each request is written with them, beside its own. */
  constructor(services: Services, betas: readonly string[]) {
    this.#file = new IncomingFile(services);
    this.#betas = betas;
  }

  async write(chunk: Buffer): Promise<void> {
    const elements = this.#taken(chunk);
    for (const element of elements) {
      this.#complaint ??= this.#complaintAbout(element);
      if (this.#complaint) return;
      await this.#file.write(this.#lineOf(element));
    }
  }

  /**
   * @throws InvalidInputError for what Anthropic's API refuses at once, with the place; what the requests ask for is looked at when the
   * batch is validated.
   */
  async commit(tenant: string): Promise<ReceivedRequests> {
    const { rest, count } = this.#elements.finish();
    const others = this.#complaint ? {} : othersFrom(rest, count);
    if (this.#complaint) throw this.#complaint;
    return { file: await this.#file.commit({ tenant, filename: fileName, lifeSeconds: null }), count, others };
  }

  async abort(): Promise<void> {
    await this.#file.abort();
  }

  #taken(chunk: Buffer): Buffer[] {
    if (this.#complaint) return [];
    try {
      return this.#elements.push(chunk);
    } catch (error) {
      this.#complaint = refused(messageOf(error));
      return [];
    }
  }

  #complaintAbout(element: Buffer): InvalidInputError | null {
    const place = `requests.${this.#customIds.size}`;
    if (this.#customIds.size === maxMessageRequests)
      return refused(`requests: List should have at most ${maxMessageRequests} items`);
    const request = requestFrom(element);
    if (request === undefined) return refused(`${place}: not valid JSON in UTF-8`);
    const parsed = requestSchema.safeParse(request);
    if (!parsed.success) return refused(complaintIn(place, parsed.error, request));
    const { custom_id: customId, params } = parsed.data;
    if (params.stream === true) return refused(`${place}.params.stream: a batch does not stream; leave it out`);
    if (this.#customIds.has(customId))
      return refused(`${place}.custom_id: custom_id must be unique, found duplicate: ${customId}`);
    this.#customIds.add(customId);
    return null;
  }

  /** A request keeps its own bytes, but for the betas of the batch. */
  #lineOf(element: Buffer): Buffer {
    return Buffer.concat([this.#betas.length === 0 ? element : withBetas(element, this.#betas), newline]);
  }
}

const newline = Buffer.from('\n');

/** Adds betas to those of a request. What it names instead of a list stays, and is refused when the batch is validated. */
function withBetas(element: Buffer, betas: readonly string[]): Buffer {
  const params = membersOf(element).findLast(({ key }) => key === 'params');
  if (!params) return element;
  const members = membersOf(element, params.start);
  const own = members.findLast(({ key }) => key === 'betas');
  if (!own) {
    const start = params.start + 1;
    const value = `"betas":${JSON.stringify(betas)}${members.length > 0 ? ',' : ''}`;
    return splice(element, [{ span: { start, end: start }, value }]);
  }
  const named = jsonFrom(element.toString('utf8', own.start, own.end));
  if (!Array.isArray(named)) return element;
  return splice(element, [{ span: own, value: JSON.stringify([...new Set([...named, ...betas])]) }]);
}

function requestFrom(element: Buffer): unknown {
  if (!isUtf8(element)) return undefined;
  const text = element.toString('utf8');
  const value = jsonFrom(text);
  return mayHoldSurrogates(text) && holdsUnpairedSurrogate(value) ? undefined : value;
}

function jsonFrom(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** @throws InvalidInputError where what stands around the requests is no JSON, or where there are none. */
function othersFrom(rest: string, count: number): JsonObject {
  const body = jsonFrom(rest);
  if (!isObject(body)) throw refused('The request body is not valid JSON.');
  const { requests, ...others } = body;
  if (requests === undefined) throw refused('requests: Field required');
  if (!Array.isArray(requests)) throw refused('requests: Input should be a valid list');
  if (requests.length !== count) throw refused('requests: stands twice in the body');
  if (count === 0) throw refused('requests: List should have at least 1 item after validation, not 0');
  return others;
}

function complaintIn(place: string, error: z.ZodError, request: unknown): string {
  const [issue] = error.issues;
  const [name] = issue?.path ?? [];
  if (issue?.code === 'unrecognized_keys')
    return `${place}.${String(issue.keys[0]).slice(0, 64)}: Extra inputs are not permitted`;
  if (name === undefined) return `${place}: Input should be an object`;
  const isMissing = isObject(request) && !Object.hasOwn(request, name);
  return `${place}.${String(name)}: ${isMissing ? 'Field required' : (issue?.message ?? 'Invalid')}`;
}

function refused(message: string): InvalidInputError {
  return new InvalidInputError('invalid_request', message);
}
