import type { Exchange, JsonReply, Route } from '../http-server.ts';
import type { JsonObject } from '../json.ts';
import type { LiveCalls } from '../live-calls.ts';
import { SeededRandom } from '../seeded-random.ts';
import { uniqueHex } from '../unique-id.ts';
import { errorReply, refusalReply } from './error-reply.ts';
import { examinerOf, type Invocation } from './models.ts';

/** Models, called directly. Source: @aws-sdk/client-bedrock-runtime 3.1164 `InvokeModelCommand`, `ConverseCommand`. */
export function liveRoutes(live: LiveCalls): Route[] {
  return [
    { method: 'POST', path: '/model/:modelId/invoke', answer: (exchange) => answer(live, exchange, 'InvokeModel') },
    { method: 'POST', path: '/model/:modelId/converse', answer: (exchange) => answer(live, exchange, 'Converse') },
  ];
}

async function answer(live: LiveCalls, exchange: Exchange, invocation: Invocation): Promise<JsonReply> {
  const model = exchange.params.modelId ?? '';
  return await live.serve(exchange, { endpoint: invocation, model }, (body) => answerTo(body, model, invocation));
}

function answerTo(body: JsonObject, model: string, invocation: Invocation): JsonReply {
  const examine = examinerOf(model, invocation);
  if (!examine) return errorReply(400, 'ValidationException', 'The provided model identifier is invalid.');
  const examination = examine(body);
  if ('error' in examination) return refusalReply(examination.error.status, examination.error.message);
  const seeds = { random: new SeededRandom(JSON.stringify(body)), ids: new SeededRandom(uniqueHex('', 32)) };
  return { kind: 'json', status: 200, body: examination.answer(seeds).output };
}
