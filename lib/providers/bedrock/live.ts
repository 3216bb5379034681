import { BedrockClient } from '@aws-sdk/client-bedrock';
import {
  BedrockRuntimeClient,
  ConverseCommand,
  type ConverseCommandInput,
  InvokeModelCommand,
} from '@aws-sdk/client-bedrock-runtime';
import type { ConnectionSettings, LiveAnswer, LiveCall, LiveClient } from '../contract.ts';
import { type LiveForm, liveAnswer, partsOf } from '../shared/http/live-call.ts';
import { settledOrAborted } from '../shared/http/settled-or-aborted.ts';
import { familyOf } from './model-family.ts';
import { statusOf } from './result.ts';
import { explainedCall } from './service-answer.ts';
import type { BedrockSettings } from './settings.ts';

export function connectLiveBedrock(settings: ConnectionSettings<BedrockSettings>): LiveClient {
  return new BedrockCalls(settings);
}

/** Models, called directly, with the bodies of batches. Source: @aws-sdk/client-bedrock-runtime 3.1164. */
class BedrockCalls implements LiveClient {
  readonly #name: string;
  readonly #sdk: BedrockRuntimeClient;

  constructor({ name, config: terms, clientOptions = {} }: ConnectionSettings<BedrockSettings>) {
    const endpoint = terms.runtimeBaseUrl ?? terms.baseUrl;
    this.#name = name;
    this.#sdk = new BedrockRuntimeClient({
      requestHandler: requestHandlerFor(terms.live.maxConcurrency),
      ...clientOptions,
      ...(terms.region !== undefined && { region: terms.region }),
      ...(endpoint !== undefined && { endpoint }),
      maxAttempts: 1,
    });
  }

  async call({ line, model, signal }: LiveCall): Promise<LiveAnswer> {
    const { lineId, body } = partsOf(line, 'modelInput', 'recordId');
    const send = () =>
      familyOf(model)?.invocation === 'Converse'
        ? this.#converse(model, body, signal)
        : this.#invoke(model, body, signal);
    const needed = 'bedrock:InvokeModel, and access to the model';
    return await liveAnswer(formOf(model), lineId, () =>
      explainedCall(this.#name, needed, settledOrAborted(send(), signal)),
    );
  }

  async #invoke(modelId: string, body: Buffer, abortSignal: AbortSignal): Promise<Response> {
    const command = new InvokeModelCommand({ modelId, body, contentType: json, accept: json });
    const answer = await this.#sdk.send(command, { abortSignal });
    return new Response(new Uint8Array(answer.body));
  }

  async #converse(modelId: string, body: Buffer, abortSignal: AbortSignal): Promise<Response> {
    const input: Omit<ConverseCommandInput, 'modelId'> = JSON.parse(body.toString('utf8'), decodeBytes);
    const command = new ConverseCommand({ ...input, modelId });
    const { $metadata: _ofTheCall, ...answer } = await this.#sdk.send(command, { abortSignal });
    // The SDK makes an empty object of an answer that is none.
    if (!answer.output) throw new Error('Converse answered without an output.');
    return Response.json(answer);
  }
}

const json = 'application/json';

/**
 * The client for jobs speaks HTTP/1.1, which every endpoint in between understands; this one's own is HTTP/2.
 *
 * @param maxSockets a call has one of its own.
 */
function requestHandlerFor(maxSockets: number) {
  const agent = { keepAlive: true, maxSockets };
  return new BedrockClient({ requestHandler: { httpAgent: agent, httpsAgent: agent } }).config.requestHandler;
}

/** A line has bytes in base64, the SDK's input has them as they are. Nothing of the customer's is named so. */
function decodeBytes(key: string, value: unknown): unknown {
  return key === 'bytes' && typeof value === 'string' ? Buffer.from(value, 'base64') : value;
}

function formOf(model: string): LiveForm {
  return {
    answered: (lineId, _status, _requestId, body) =>
      Buffer.concat([Buffer.from(`{"recordId":"${lineId}","modelOutput":`), body, Buffer.from('}')]),
    refused: (lineId, { status, code, message }) =>
      errorLine(lineId, statusOf(code) === status ? code : status, message),
    failed: (lineId, { code, message }) => errorLine(lineId, code, message),
    tokensOf: (body) => familyOf(model)?.reader.usageOf(body)?.total_tokens ?? null,
  };
}

function errorLine(recordId: string, errorCode: string | number, errorMessage: string): Buffer {
  return Buffer.from(JSON.stringify({ recordId, error: { errorCode, errorMessage } }));
}
