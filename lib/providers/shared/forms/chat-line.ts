import { mayLoseNumbers } from '../../../lines/exact-json.ts';
import { objectOf } from '../../../lines/foreign-json.ts';
import type { RequestLine } from '../../../lines/request-line.ts';
import type { JsonObject } from '../../../records/json.ts';
import { parseJson } from '../../../records/parse-json.ts';

const beforeId = '{"custom_id":';
const beforeModel = ',"method":"POST","url":"/v1/chat/completions","body":{"model":';

/**
 * A request line for /v1/chat/completions, as if the customer had written it.
 *
 * @param body without its model; it has other members.
 */
export function chatLine(request: RequestLine, body: JsonObject): RequestLine {
  const { lineNumber, customId, model } = request;
  const [id, name] = [JSON.stringify(customId), JSON.stringify(model)];
  const rest = JSON.stringify(body).slice(1);
  const idEnd = beforeId.length + Buffer.byteLength(id);
  const modelStart = idEnd + beforeModel.length;
  return {
    lineNumber,
    bytes: Buffer.from(`${beforeId}${id}${beforeModel}${name},${rest}}`),
    format: 'openai',
    endpoint: '/v1/chat/completions',
    customId,
    model,
    get body() {
      return (mayLoseNumbers(rest) && objectOf(parseJson(`{"model":${name},${rest}`))) || { model, ...body };
    },
    spans: {
      customId: { start: beforeId.length, end: idEnd },
      model: { start: modelStart, end: modelStart + Buffer.byteLength(name) },
    },
    isAddressed: true,
  };
}
