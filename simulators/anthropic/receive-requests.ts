import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { RefusedCall } from '../http-server.ts';
import { hasUnpairedSurrogate, isJsonObject, parseJson } from '../json.ts';
import { LineWriter } from '../jsonl-lines.ts';
import { type AnthropicError, errorOfStatus, errorReply, invalidRequest } from './error-reply.ts';
import { complaintOfIssues } from './issue-text.ts';
import { customIdPattern, maxBodyBytes, maxRequests } from './limits.ts';
import { RequestSplitter } from './request-splitter.ts';

const requestSchema = z.strictObject({
  custom_id: z.string().regex(customIdPattern),
  params: z.record(z.string(), z.unknown()),
});
const skeletonSchema = z.strictObject({ requests: z.array(z.unknown()) });

/**
 * Streams a creation's body into a file of one request per line; memory holds one request and the ids.
 *
 * @returns how many requests there were.
 * @throws RefusedCall for a body that the API refuses at once; the requests' params are looked at later.
 */
export async function receiveRequests(request: IncomingMessage, path: string): Promise<number> {
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge();
  const splitter = new RequestSplitter();
  const intake = new RequestIntake(await LineWriter.create(path));
  let bytes = 0;
  try {
    for await (const chunk of request) {
      bytes += chunk.length;
      // Read to the end all the same: leaving the loop early would destroy the socket, and the refusal with it.
      if (bytes > maxBodyBytes) continue;
      for (const element of splitter.push(chunk)) await intake.take(element);
    }
  } finally {
    await intake.close();
  }
  if (bytes > maxBodyBytes) throw tooLarge();
  intake.complain(skeletonComplaint(splitter.finish()));
  if (intake.count === 0)
    throw refused(invalidRequest('requests: List should have at least 1 item after validation, not 0'));
  return intake.count;
}

/** Takes the requests one by one, and refuses the body for the first complaint once all of it has been read. */
class RequestIntake {
  readonly #lines: LineWriter;
  readonly #customIds = new Set<string>();
  #complaint: AnthropicError | null = null;
  count = 0;

  constructor(lines: LineWriter) {
    this.#lines = lines;
  }

  async take(element: string): Promise<void> {
    this.count += 1;
    this.#complaint ??= this.#complaintAbout(element);
    if (this.#complaint === null) await this.#lines.write(asOneLine(element));
  }

  async close(): Promise<void> {
    await this.#lines.close();
  }

  /** A body that is not JSON is refused as that, whatever else its requests would be refused for. */
  complain(skeleton: { isJson: boolean; error: AnthropicError } | null): void {
    const error = skeleton?.isJson === false ? skeleton.error : (this.#complaint ?? skeleton?.error ?? null);
    if (error !== null) throw refused(error);
  }

  #complaintAbout(element: string): AnthropicError | null {
    const value = parseJson(element);
    if (value === undefined) return malformed;
    if (hasUnpairedSurrogate(element, value)) return halfPair;
    if (this.count > maxRequests) {
      return invalidRequest(`requests: List should have at most ${maxRequests} items after validation`);
    }
    const parsed = requestSchema.safeParse(value);
    if (!parsed.success) return complaintOfIssues(parsed.error.issues, value, `requests.${this.count - 1}`);
    const customId = parsed.data.custom_id;
    if (this.#customIds.has(customId))
      return invalidRequest(`requests: custom_id must be unique, found duplicate: ${customId}`);
    this.#customIds.add(customId);
    return null;
  }
}

const malformed = invalidRequest('The request body is not valid JSON.');
/** Its parser stops at the first half of a pair that has no other half. Source: anthropics/claude-code#60394. */
const halfPair = invalidRequest('The request body is not valid JSON: no low surrogate in string: line 1 column 1');

function skeletonComplaint(text: string): { isJson: boolean; error: AnthropicError } | null {
  const skeleton = parseJson(text);
  if (!isJsonObject(skeleton)) return { isJson: false, error: malformed };
  const parsed = skeletonSchema.safeParse(skeleton);
  return parsed.success ? null : { isJson: true, error: complaintOfIssues(parsed.error.issues, skeleton, '') };
}

/** A request that was sent over several lines is written anew; any other keeps its own bytes. */
function asOneLine(element: string): string {
  return /[\r\n]/.test(element) ? JSON.stringify(JSON.parse(element)) : element;
}

function tooLarge(): RefusedCall {
  return refused(errorOfStatus(413), 413);
}

function refused(error: AnthropicError, status = 400): RefusedCall {
  return new RefusedCall(errorReply(status, error));
}
