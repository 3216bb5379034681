import type { JsonReply, Route } from '../http-server.ts';
import type { JsonObject } from '../json.ts';
import type { LiveCalls } from '../live-calls.ts';
import { SeededRandom } from '../seeded-random.ts';
import { uniqueBase62 } from '../unique-id.ts';
import { errorReply } from './error-reply.ts';
import { examineMessage } from './messages.ts';

/** The version that our own client names. */
const apiVersion = '2023-06-01';

const statusByErrorType: Record<string, number> = {
  invalid_request_error: 400,
  rate_limit_error: 429,
  api_error: 500,
  overloaded_error: 529,
};

/** Messages, called directly. */
export function liveRoutes(live: LiveCalls): Route[] {
  const models = { data: [], has_more: false };
  return [
    { method: 'GET', path: '/v1/models', answer: async () => ({ kind: 'json', status: 200, body: models }) },
    live.route('/v1/messages', answerTo),
  ];
}

function answerTo(params: JsonObject): JsonReply {
  const outcome = examineMessage(params, apiVersion);
  if ('error' in outcome) return errorReply(statusByErrorType[outcome.error.type] ?? 400, outcome.error);
  const seeds = { random: new SeededRandom(JSON.stringify(params)), ids: new SeededRandom(uniqueBase62('', 32)) };
  return { kind: 'json', status: 200, body: outcome.answer(seeds).message };
}
