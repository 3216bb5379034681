import type { JsonReply, Route } from '../http-server.ts';
import type { JsonObject } from '../json.ts';
import type { LiveCalls } from '../live-calls.ts';
import { SeededRandom } from '../seeded-random.ts';
import { uniqueHex } from '../unique-id.ts';
import { errorReply, invalidRequest } from './error-reply.ts';
import type { Examination } from './examination.ts';
import { refuse } from './line-refusals.ts';
import type { WireDialect } from './wire-dialect.ts';

const liveEndpoints = [
  '/v1/chat/completions',
  '/v1/responses',
  '/v1/embeddings',
  '/v1/completions',
  '/v1/moderations',
] as const;

/** The endpoints behind the batches, called directly. */
export function liveRoutes(live: LiveCalls, wire: WireDialect): Route[] {
  const models = { object: 'list', data: [] };
  return [
    { method: 'GET', path: `${wire.root}/models`, answer: async () => ({ kind: 'json', status: 200, body: models }) },
    ...liveEndpoints.map((endpoint) =>
      live.route(`${wire.root}${endpoint.slice('/v1'.length)}`, (body) => answerTo(wire, endpoint, body)),
    ),
  ];
}

function answerTo(wire: WireDialect, endpoint: string, body: JsonObject): JsonReply {
  const examination = examined(wire, endpoint, body);
  if ('refusal' in examination) return errorReply(examination.refusal.status, examination.refusal.error);
  const answer = examination.answer({
    random: new SeededRandom(JSON.stringify(body)),
    ids: new SeededRandom(uniqueHex('', 32)),
    createdSeconds: Math.floor(Date.now() / 1000),
  });
  return { kind: 'json', status: 200, body: answer.body };
}

/** Where a batch's creation names the model, its lines do not, and a call's body does. */
function examined(wire: WireDialect, endpoint: string, body: JsonObject): Examination {
  if (!wire.namesModelWithBatch) return wire.examine(endpoint, body);
  const { model, ...line } = body;
  if (typeof model === 'string' && wire.isKnownModel(model)) return wire.examine(endpoint, line);
  return refuse(invalidRequest(`Invalid model: ${model}`, 'model', 'invalid_model'));
}
