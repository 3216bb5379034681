import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { RequestSplitter } from '../anthropic/request-splitter.ts';
import { isJsonObject, parseJson } from '../json.ts';
import { LineWriter } from '../jsonl-lines.ts';
import { refused } from './error-reply.ts';

const creationSchema = z.strictObject({
  endpoint: z.enum(['/v1/chat/completions', '/v1/responses', '/v1/embeddings']),
  model: z.string().min(1),
  provider: z.strictObject({ only: z.array(z.string()).optional(), allow_fallbacks: z.boolean().optional() }).nullish(),
  completion_window: z.literal('24h').optional(),
  callback_url: z.url().optional(),
  requests: z.array(z.unknown()),
});

interface ReceivedBatch {
  endpoint: string;
  model: string;
  requestCount: number;
}

/** Streams a creation's body into a file of one `{custom_id, body}` a line. @throws RefusedCall for what is refused at once. */
export async function receiveBatch(request: IncomingMessage, path: string): Promise<ReceivedBatch> {
  const splitter = new RequestSplitter();
  const lines = await LineWriter.create(path);
  let requestCount = 0;
  let complaint: string | null = null;
  let head = '';
  try {
    for await (const chunk of request) {
      if (requestCount === 0) head += chunk.toString('latin1');
      for (const element of splitter.push(chunk)) {
        requestCount += 1;
        complaint ??= complaintAbout(element, requestCount - 1);
        await lines.write(/[\r\n]/.test(element) ? JSON.stringify(parseJson(element)) : element);
      }
    }
  } finally {
    await lines.close();
  }
  const creation = creationSchema.safeParse(parseJson(splitter.finish()));
  if (!creation.success) throw refused(400, `Invalid request: ${z.prettifyError(creation.error)}`);
  if (!isInOrder(head)) throw refused(400, "'endpoint' and 'model' must appear before 'requests' in the request body");
  if (requestCount === 0) throw refused(400, "'requests' must not be empty");
  if (complaint !== null) throw refused(400, complaint);
  return { endpoint: creation.data.endpoint, model: creation.data.model, requestCount };
}

/** The API reads the requests as they come, so it must know by then what they are for. */
function isInOrder(head: string): boolean {
  const requests = head.indexOf('"requests"');
  return ['"endpoint"', '"model"'].every((name) => head.includes(name) && head.indexOf(name) < requests);
}

function complaintAbout(element: string, place: number): string | null {
  const request = parseJson(element);
  if (!isJsonObject(request) || typeof request.custom_id !== 'string' || !isJsonObject(request.body))
    return `requests[${place}]: expected {custom_id, body}`;
  return 'provider' in request.body ? `requests[${place}].body.provider is not supported` : null;
}
