import { objectOf } from '../../lines/foreign-json.ts';
import type { JsonObject } from '../../records/json.ts';
import type { CallFailure, LiveForm, Refusal } from '../shared/http/live-call.ts';
import { usageFrom } from './answer-from-response.ts';

/** How both of Google's APIs write result lines: `{<id>, response}` or `{<id>, error}`. */
export function liveForm(idName: 'key' | 'custom_id', tokensOf: LiveForm['tokensOf']): LiveForm {
  const head = (lineId: string) => `{"${idName}":"${lineId}"`;
  const errorLine = (lineId: string, error: object) => Buffer.from(`${head(lineId)},"error":${JSON.stringify(error)}}`);
  return {
    answered: (lineId, _status, _requestId, body) =>
      Buffer.concat([Buffer.from(`${head(lineId)},"response":`), body, Buffer.from('}')]),
    refused: (lineId, refusal) => errorLine(lineId, rpcErrorOf(refusal)),
    failed: (lineId, { code, message }) => errorLine(lineId, { code: statusByFailure[code], message }),
    tokensOf,
  };
}

function rpcErrorOf({ status, code, message }: Refusal): object {
  return { code: status, status: code.toUpperCase(), message };
}

const statusByFailure: Record<CallFailure['code'], number> = {
  request_timeout: 504,
  connection_failed: 503,
  invalid_answer: 500,
};

/** Tokens of a GenerateContentResponse; null where it does not say. */
export function tokensOfResponse(body: JsonObject): number | null {
  return usageFrom(objectOf(body.usageMetadata))?.total_tokens ?? null;
}
