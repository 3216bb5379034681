import { connectClient } from '../providers/connect.ts';
import type { AnsweredLine, Provider, TranslatedResult } from '../providers/contract.ts';
import { providers } from '../providers/registry.ts';
import { type Endpoint, isEndpoint } from '../records/endpoints.ts';
import { BatchdropError, ConflictError } from '../records/errors.ts';
import { hasEnded } from '../records/openai-batch.ts';
import type { Usage } from '../records/usage.ts';
import { createBySteps } from './create-by-steps.ts';
import type { CreationSteps } from './creation-steps.ts';
import { DeploymentClient } from './deployment-client.ts';
import { DeploymentSteps } from './deployment-steps.ts';
import { AbortError, libraryError } from './errors.ts';
import type { LibraryClient } from './library-client.ts';
import { customIdOf } from './provider/custom-id.ts';
import { ProviderSteps } from './provider/provider-steps.ts';
import { usualEndpoint } from './request-source.ts';
import { type BatchResult, failure, resultFrom } from './result.ts';
import type { Create } from './submission.ts';
import { type Target, type TargetOptions, targetOf } from './target.ts';

/** A provider or a deployment, the same to everything above. */
export interface Connection {
  client: LibraryClient;
  create: Create;
  /** @throws ConflictError where the provider cannot cancel batches. */
  cancel(batchId: string, signal: AbortSignal): Promise<void>;
  /** What creating a batch is made of. */
  steps: CreationSteps;
  /** Reads one line of its results. */
  readResult(bytes: Buffer, endpoint: Endpoint): BatchResult;
  /** The same as a result line in OpenAI's form, in which an answer keeps its bytes. */
  readLine(bytes: Buffer, endpoint: Endpoint): ReadLine;
  /**
   * In which endpoint's form the results of a batch are read: the one that it is for, but the one that was asked for where
   * the provider has that through chat completions only and so records those.
   */
  formOf(recorded: string | null, asked: Endpoint | undefined): Endpoint;
  /** Does something there; what goes wrong is an error of this library. */
  call<Result>(action: (signal: AbortSignal) => Promise<Result>): Promise<Result>;
  /** The same for a stream. */
  stream<Item>(action: (signal: AbortSignal) => AsyncIterable<Item>): AsyncGenerator<Item>;
}

/** Opens no connection yet; only says where it would go. */
export function connect(options: TargetOptions): Connection {
  const target = targetOf(options);
  const signal = options.signal ?? new AbortController().signal;
  const thrown = (error: unknown) => thrownError(error, signal, target);
  return {
    ...endOf(target),
    async call(action) {
      try {
        signal.throwIfAborted();
        return await action(signal);
      } catch (error) {
        throw thrown(error);
      }
    },
    async *stream(action) {
      try {
        signal.throwIfAborted();
        yield* action(signal);
      } catch (error) {
        throw thrown(error);
      }
    },
  };
}

/** What this library says itself stands, even after an abort: above all that an outcome is unknown. */
function thrownError(error: unknown, signal: AbortSignal, target: Target): unknown {
  if (error instanceof BatchdropError || !signal.aborted) return libraryError(error, target);
  return new AbortError('The call was aborted. No batch was created by it.', null, { cause: signal.reason });
}

function endOf({ kind, settings, routedTo }: Target): Omit<Connection, 'call' | 'stream'> {
  if (kind === null) {
    const client = new DeploymentClient(settings);
    const steps = new DeploymentSteps(client, settings, routedTo);
    return {
      client,
      steps,
      cancel: (batchId, signal) => client.cancel(batchId, signal),
      create: (submission) => createBySteps(steps, submission),
      readResult: resultFrom,
      readLine: (line) => ({ kind: 'line', line, usage: null, model: null }),
      formOf: (recorded, asked) => endpointOf(recorded ?? asked ?? null),
    };
  }
  const provider = providers[kind];
  const client = connectClient(provider, settings);
  const steps = new ProviderSteps(provider, client, settings.config);
  return {
    client,
    steps,
    cancel: async (batchId, signal) => {
      if (provider.direct.cancels) return await client.cancel(batchId, signal);
      const { phase } = await client.retrieve(batchId, signal);
      if (!hasEnded(phase)) throw noCancel(provider, batchId);
    },
    create: (submission) => createBySteps(steps, submission),
    readResult: (bytes, endpoint) => translatedResult(provider, bytes, endpoint),
    readLine: (bytes, endpoint) => translatedLine(provider, bytes, endpoint),
    formOf: (recorded, asked) =>
      asked && recorded === usualEndpoint && isTranslated(provider, asked)
        ? asked
        : endpointOf(recorded ?? asked ?? null),
  };
}

function noCancel({ notes }: Provider, batchId: string): ConflictError {
  return new ConflictError(
    `${notes.title} cannot cancel batches: ${batchId} runs to its end and is paid for; batchResults() gives its results then.`,
  );
}

function isTranslated(provider: Provider, endpoint: Endpoint): boolean {
  return provider.endpoints.includes(endpoint) && !provider.passesThrough({ format: 'openai', endpoint });
}

/** A result line, or why there is none. */
export type ReadLine =
  | {
      kind: 'line';
      line: Buffer;
      /** Of an answer, where its provider says them. */
      usage: Usage | null;
      model: string | null;
    }
  | { kind: 'none'; customId: string | null; code: string; message: string };

/** A provider's line, translated as the pipeline does it, with the customer's own id. */
function translatedLine(provider: Provider, bytes: Buffer, endpoint: Endpoint): ReadLine {
  let customId: string | null = null;
  const find = (sentId: string): AnsweredLine => {
    customId = customIdOf(sentId, provider.direct.customIds);
    return { position: 0, customId, format: 'openai', endpoint, model: null, attempts: 1 };
  };
  return lineOf(provider.translateResult(bytes, find), () => customId);
}

function lineOf(translated: TranslatedResult, customId: () => string | null): ReadLine {
  const none = (code: string, message: string): ReadLine => ({ kind: 'none', customId: customId(), code, message });
  switch (translated.kind) {
    case 'answered':
      return { kind: 'line', line: translated.bytes, usage: translated.usage, model: translated.model };
    case 'unexecuted':
      return none(`batch_${translated.reason}`, translated.message);
    case 'malformed':
      return none('invalid_result_line', translated.message);
    case 'foreign':
      return none('invalid_result_line', 'The result line names no request.');
  }
}

function translatedResult(provider: Provider, bytes: Buffer, endpoint: Endpoint): BatchResult {
  const read = translatedLine(provider, bytes, endpoint);
  if (read.kind === 'line') return resultFrom(read.line, endpoint);
  const { customId, code, message } = read;
  return { customId, ...failure(message, { code, statusCode: null, body: null }) };
}

/** What a batch is for; an endpoint that this library does not know is read as the usual one. */
function endpointOf(name: string | null): Endpoint {
  return isEndpoint(name) ? name : usualEndpoint;
}
