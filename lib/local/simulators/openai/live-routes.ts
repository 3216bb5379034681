import type { JsonReply, Route } from '../http-server.ts';
import type { JsonObject } from '../json.ts';
import type { LiveDesk } from '../live-desk.ts';
import { SeededRandom } from '../seeded-random.ts';
import { uniqueHex } from '../unique-id.ts';
import { examine } from './endpoints.ts';
import { errorReply } from './error-reply.ts';

const liveEndpoints = ['/v1/chat/completions', '/v1/responses', '/v1/embeddings', '/v1/completions'];

/** The endpoints behind the batches, called directly. */
export function liveRoutes(desk: LiveDesk, root: string): Route[] {
  const models = { object: 'list', data: [] };
  return [
    { method: 'GET', path: `${root}/models`, answer: async () => ({ kind: 'json', status: 200, body: models }) },
    ...liveEndpoints.map((endpoint) =>
      desk.route(`${root}${endpoint.slice('/v1'.length)}`, (body) => answerTo(endpoint, body)),
    ),
  ];
}

function answerTo(endpoint: string, body: JsonObject): JsonReply {
  const examination = examine(endpoint, body);
  if ('refusal' in examination) return errorReply(examination.refusal.status, examination.refusal.error);
  const answer = examination.answer({
    random: new SeededRandom(JSON.stringify(body)),
    ids: new SeededRandom(uniqueHex('', 32)),
    createdSeconds: Math.floor(Date.now() / 1000),
  });
  return { kind: 'json', status: 200, body: answer.body };
}
