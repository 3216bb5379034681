import * as z from 'zod/mini';
import { withoutEndSlashes } from '../../records/base-url.ts';
import { DeploymentAnswerError, DeploymentConnectionError, DeploymentReplyError } from './failures.ts';
import { pause } from './pause.ts';
import { refusalDetail } from './replies.ts';

export interface DeploymentOptions {
  /** With or without `/v1` at its end. */
  url: string;
  apiKey: string;
  /** In place of the platform's own. */
  fetch?: typeof fetch;
  headers?: Record<string, string>;
  /** Query parameters of every call. */
  query?: Record<string, string>;
  /** How often a call that may be repeated is made again. Default: 2. */
  maxRetries?: number;
  /** Within which an answer must come, where that is less than the call's own time. */
  timeoutSeconds?: number;
}

export interface Call {
  method?: 'GET' | 'POST';
  /** Below `/v1`. */
  path: string;
  query?: Record<string, string | number>;
  headers?: Record<string, string>;
  /** An object goes as JSON. */
  body?: object | FormData;
  /** A creation without a key of its own must not be made twice. */
  isRepeatable?: boolean;
  timeoutSeconds?: number;
  signal?: AbortSignal | undefined;
}

/** The API Gateway in front of a deployment gives up after 29 s; a part of 4 MiB takes a minute at 70 kB/s. */
const usualTimeoutSeconds = 60;

const usualRetries = 2;

/** The pauses between tries, doubling, unless the answer says how long to wait. */
const firstPauseSeconds = 0.5;
const longestPauseSeconds = 60;

/** Calls the HTTP API of a deployment. */
export class DeploymentHttp {
  readonly #options: DeploymentOptions;
  readonly #root: string;

  constructor(options: DeploymentOptions) {
    this.#options = options;
    this.#root = `${withoutEndSlashes(options.url).replace(/\/v1$/, '')}/v1`;
  }

  /**
   * Makes a call and reads its answer.
   *
   * @throws DeploymentAnswerError, DeploymentConnectionError, DeploymentReplyError; the signal's reason once it is aborted.
   */
  async read<Schema extends z.ZodMiniType>(schema: Schema, call: Call): Promise<z.output<Schema>> {
    return await this.#repeat(call, async (signal) => {
      const response = await this.#send(call, signal);
      const reply = z.safeParse(schema, await jsonOf(response));
      if (reply.success) return reply.data;
      throw new DeploymentReplyError(`${this.#root}${call.path} does not answer as a deployment does.`, {
        cause: reply.error,
      });
    });
  }

  /** Makes a call whose answer is read by the caller, who must see to its end. */
  async open(call: Call): Promise<Response> {
    return await this.#repeat(call, (signal, headersCame) =>
      this.#send(call, signal).then((response) => {
        headersCame();
        return response;
      }),
    );
  }

  async #repeat<Result>(call: Call, make: Make<Result>): Promise<Result> {
    const { maxRetries = usualRetries } = this.#options;
    let unclear: unknown = null;
    for (let retry = 0; ; retry += 1) {
      try {
        return await this.#withTimeout(call, make);
      } catch (error) {
        if (call.signal?.aborted || call.isRepeatable === false || !mayPass(error)) throw error;
        // A try that got no answer may have done its work: a later one that did not get through does not prove otherwise.
        if (!isTooManyRequests(error)) unclear ??= error;
        if (retry >= maxRetries) throw unclear ?? error;
        await pause(pauseSeconds(error, retry), call.signal);
      }
    }
  }

  async #withTimeout<Result>(call: Call, make: Make<Result>): Promise<Result> {
    const { timeoutSeconds = Number.POSITIVE_INFINITY } = this.#options;
    const seconds = Math.min(timeoutSeconds, call.timeoutSeconds ?? usualTimeoutSeconds);
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), seconds * 1000);
    const signal = call.signal ? AbortSignal.any([call.signal, timeout.signal]) : timeout.signal;
    try {
      return await make(signal, () => clearTimeout(timer));
    } catch (error) {
      if (call.signal?.aborted || !timeout.signal.aborted) throw error;
      throw new DeploymentConnectionError(`no answer within ${seconds} s`);
    } finally {
      clearTimeout(timer);
    }
  }

  async #send(call: Call, signal: AbortSignal): Promise<Response> {
    const send = this.#options.fetch ?? fetch;
    const response = await send(this.#urlOf(call), this.#requestOf(call, signal)).catch((cause: unknown) => {
      if (call.signal?.aborted) throw cause;
      throw new DeploymentConnectionError('The deployment gave no answer.', { cause });
    });
    if (response.ok) return response;
    const detail = refusalDetail(await response.text().catch(() => ''));
    throw new DeploymentAnswerError(response.status, response.headers, detail);
  }

  #urlOf({ path, query }: Call): string {
    const entries = Object.entries({ ...this.#options.query, ...query });
    const texts = Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
    const parameters = new URLSearchParams(texts).toString();
    return `${this.#root}${path}${parameters && `?${parameters}`}`;
  }

  #requestOf({ method = 'GET', headers, body }: Call, signal: AbortSignal): RequestInit {
    const isForm = body instanceof FormData;
    return {
      method,
      signal,
      headers: {
        ...this.#options.headers,
        ...headers,
        ...(body && !isForm && { 'content-type': 'application/json' }),
        authorization: `Bearer ${this.#options.apiKey}`,
      },
      ...(body && { body: isForm ? body : JSON.stringify(body) }),
    };
  }
}

type Make<Result> = (signal: AbortSignal, headersCame: () => void) => Promise<Result>;

/** @throws DeploymentReplyError where the body is not JSON; DeploymentConnectionError where it broke off. */
async function jsonOf(response: Response): Promise<unknown> {
  const text = await response.text().catch((cause: unknown) => {
    throw new DeploymentConnectionError('The answer broke off.', { cause });
  });
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (cause) {
    throw new DeploymentReplyError(`${response.url} does not answer in JSON.`, { cause });
  }
}

function isTooManyRequests(error: unknown): boolean {
  return error instanceof DeploymentAnswerError && error.status === 429;
}

/** Whether the same call may succeed a moment later. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof DeploymentAnswerError)) return error instanceof DeploymentConnectionError;
  return error.status === 408 || error.status === 429 || error.status >= 500;
}

function pauseSeconds(error: unknown, retry: number): number {
  const asked = error instanceof DeploymentAnswerError ? Number(error.headers.get('retry-after') ?? Number.NaN) : 0;
  const doubled = firstPauseSeconds * 2 ** retry * (0.75 + Math.random() * 0.25);
  return Math.min(asked > 0 ? asked : doubled, longestPauseSeconds);
}
