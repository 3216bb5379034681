import type { Endpoint } from '../records/endpoints.ts';
import type { LineError } from '../records/openai-batch.ts';
import { splitLines } from './jsonl.ts';
import { parseRequestLine } from './request-line.ts';

export interface StatedEndpoint {
  /** Null where no line is right. */
  endpoint: Endpoint | null;
  /** Of the first wrong line before that one. */
  errors: LineError[];
}

/**
 * Says what a file of requests is for, as the validation of its batch decides it: by the first line in OpenAI's form that is right, and
 * for lines in Anthropic's own form where there are no others. Reads no further than that line.
 */
export async function statedEndpoint(chunks: AsyncIterable<Uint8Array>): Promise<StatedEndpoint> {
  let errors: LineError[] = [];
  let native: Endpoint | null = null;
  for await (const lines of splitLines(chunks))
    for (const line of lines) {
      const parsed = parseRequestLine(line, undefined);
      if (!parsed.ok) errors = errors.length > 0 ? errors : parsed.errors;
      else if (parsed.request.format === 'openai') return { endpoint: parsed.request.endpoint, errors };
      else native = parsed.request.endpoint;
    }
  return { endpoint: native, errors };
}
