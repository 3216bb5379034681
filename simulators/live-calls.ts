import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { applyCallFaults, type ErrorReply } from './call-faults.ts';
import type { FaultPlan, FaultSubject } from './fault-plan.ts';
import { type Exchange, type JsonReply, type Route, readBody } from './http-server.ts';
import { isJsonObject, type JsonObject, parseJson } from './json.ts';
import { isErrorWithCode } from './node-error.ts';

const maxLiveBytes = 32 * 1024 * 1024;

const liveCallSchema = z.object({
  path: z.string(),
  arrivedAtMs: z.number(),
  /** The request as it came. */
  body: z.string(),
  /** Status of the answer that was sent, or cut off. */
  status: z.number(),
});

/** One request that was answered at once; a client may never have seen the answer. */
export type LiveCall = z.infer<typeof liveCallSchema>;

export interface LiveCallsOptions {
  faultPlan: FaultPlan;
  /** Where the log of calls is kept, so that it outlives the process. */
  logPath: string;
  errorReply: ErrorReply;
}

/** Answers requests outside of batches, under the faults on order, and keeps a log of them. */
export class LiveCalls {
  readonly #options: LiveCallsOptions;
  #recent: number[] = [];

  constructor(options: LiveCallsOptions) {
    this.#options = options;
    mkdirSync(dirname(options.logPath), { recursive: true });
  }

  route(path: string, answer: (body: JsonObject) => JsonReply): Route {
    return { method: 'POST', path, answer: (exchange) => this.serve(exchange, { endpoint: path }, answer) };
  }

  calls(): LiveCall[] {
    try {
      const lines = readFileSync(this.#options.logPath, 'utf8').split('\n').filter(Boolean);
      return lines.map((line) => liveCallSchema.parse(JSON.parse(line)));
    } catch (error) {
      if (isErrorWithCode(error, 'ENOENT')) return [];
      throw error;
    }
  }

  /** @param asked what the call is for; its model where the body does not name it. */
  async serve(
    exchange: Exchange,
    asked: { endpoint: string; model?: string },
    answer: (body: JsonObject) => JsonReply,
  ): Promise<JsonReply> {
    const { errorReply, faultPlan } = this.#options;
    const arrivedAtMs = Date.now();
    const text = (await readBody(exchange.request, maxLiveBytes, errorReply(413))).toString('utf8');
    const body = parseJson(text);
    const log = (status: number) => this.#log({ path: exchange.url.pathname, arrivedAtMs, body: text, status });
    const model = asked.model ?? (isJsonObject(body) ? String(body.model) : '');
    const subject = subjectOf(asked.endpoint, model, text);
    try {
      await applyCallFaults(faultPlan, exchange, 'live', subject, errorReply);
    } catch (error) {
      log(0);
      throw error;
    }
    const limited = await this.#overLimit(subject);
    const garbled = await faultPlan.takeGarbledAnswer(subject);
    const reply = limited ?? (isJsonObject(body) ? answer(body) : errorReply(400));
    log(reply.status);
    return garbled ? { kind: 'json', status: 200, body: 'an answer, but no JSON object' } : reply;
  }

  /** Counts whatever comes, as rate limits do. */
  async #overLimit(subject: FaultSubject): Promise<JsonReply | null> {
    const limit = await this.#options.faultPlan.takeRateLimit(subject);
    if (limit === null) return null;
    const nowMs = performance.now();
    this.#recent = this.#recent.filter((atMs) => atMs > nowMs - limit.windowMs);
    this.#recent.push(nowMs);
    return this.#recent.length > limit.requests ? this.#options.errorReply(429) : null;
  }

  #log(call: LiveCall): void {
    appendFileSync(this.#options.logPath, `${JSON.stringify(call)}\n`);
  }
}

function subjectOf(endpoint: string, model: string, text: string): FaultSubject {
  return {
    endpoint,
    lines: async function* () {
      yield { customId: '', model, text };
    },
  };
}
