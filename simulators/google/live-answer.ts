import type { JsonReply } from '../http-server.ts';
import { errorReply, statusOf } from './error-reply.ts';
import type { Examination } from './generate-content.ts';

/** What a model answers, as the whole answer of a call. */
export function liveAnswer(examination: Examination): JsonReply {
  return 'error' in examination
    ? errorReply(statusOf(examination.error), examination.error.message)
    : { kind: 'json', status: 200, body: examination.response };
}
