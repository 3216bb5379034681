import type { CallFailure, LiveForm, Refusal } from './live-call.ts';

/** OpenAI's: `{id, custom_id, response: {status_code, request_id, body}, error}`. Others write it alike. */
export function batchLineForm(tokensOf: LiveForm['tokensOf']): LiveForm {
  return {
    answered: (lineId, status, requestId, body) =>
      Buffer.concat([
        Buffer.from(
          `${head(lineId)},"response":{"status_code":${status},"request_id":${JSON.stringify(requestId)},"body":`,
        ),
        body,
        Buffer.from('},"error":null}'),
      ]),
    refused: (lineId, failed) => Buffer.from(`${head(lineId)},"response":${responseOf(failed)},"error":null}`),
    failed: (lineId, failure) => Buffer.from(`${head(lineId)},"response":null,"error":${errorOf(failure)}}`),
    tokensOf,
  };
}

function head(lineId: string): string {
  return `{"id":"batch_req_${lineId}","custom_id":"${lineId}"`;
}

function responseOf({ status, code, message }: Refusal): string {
  const body = { error: { message, type: code, param: null, code } };
  return JSON.stringify({ status_code: status, request_id: null, body });
}

function errorOf({ code, message }: CallFailure): string {
  return JSON.stringify({ code, message });
}
