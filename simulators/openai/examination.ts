import type { JsonObject } from '../json.ts';
import type { SeededRandom } from '../seeded-random.ts';
import type { TokenUsage } from '../usage.ts';
import type { ErrorBody } from './error-reply.ts';

/** A request that is refused with an HTTP error, within the batch. */
export interface LineRefusal {
  status: number;
  error: ErrorBody;
}

export interface Answer {
  body: JsonObject;
  usage: TokenUsage;
}

/** What an answer is a function of, beside the request. */
export interface AnswerSeed {
  /** Depends on the request's body alone: the same request always gets the same answer. */
  random: SeededRandom;
  /** Depends on the batch as well: ids are never given twice. */
  ids: SeededRandom;
  createdSeconds: number;
}

/** What becomes of one request body; the answer is only made when it is asked for. */
export type Examination = { refusal: LineRefusal } | { answer(seed: AnswerSeed): Answer };

/** Checks a request body against one endpoint's rules. */
export type Examine = (body: JsonObject) => Examination;
