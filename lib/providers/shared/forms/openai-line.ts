import { errorOfMessage } from '../../../lines/message-error.ts';
import { isRetryableStatus } from '../../../lines/retryable.ts';
import { safeText } from '../../../records/errors.ts';
import type { JsonObject } from '../../../records/json.ts';
import type { Usage } from '../../../records/usage.ts';
import type { AnsweredLine, TranslatedResult } from '../../contract.ts';
import { answerError } from './readdressed-line.ts';

/** A provider's result line, and which request it answers. */
export interface ResultSource {
  bytes: Buffer;
  lineId: string;
  line: AnsweredLine;
}

interface OpenAIAnswer {
  status: number;
  requestId: string | null;
  body: object;
  error: object | null;
}

type Asked = Pick<ResultSource, 'lineId' | 'line'>;

/** Our result line in OpenAI's form. */
export function openAILine({ lineId, line }: Asked, { status, requestId, body, error }: OpenAIAnswer): Buffer {
  const response = { status_code: status, request_id: requestId, body };
  return Buffer.from(JSON.stringify({ id: `batch_req_${lineId}`, custom_id: line.customId, response, error }));
}

/** Why a request failed, as OpenAI's error objects say it. */
export interface RequestFailure {
  status: number;
  code: string;
  message: string;
  /** The code without it. */
  type?: string | null;
  param?: string | null;
  requestId?: string | null;
  usage?: Usage | null;
  /** What else the provider said of it, by the provider's names under whose they are. */
  extra?: JsonObject;
}

/** A failure that its provider has no form of its own for: in OpenAI's, or in Anthropic's where a Message was asked for. */
export function failedLine(asked: Asked, failure: RequestFailure): TranslatedResult {
  const { status, code, type = null, param = null, requestId = null, usage = null, extra } = failure;
  const message = safeText(failure.message);
  const body =
    asked.line.endpoint === '/v1/messages'
      ? errorOfMessage({ status, message, requestId })
      : { error: { message, type: type ?? code, param, code, ...(extra && { extra_content: extra }) } };
  return {
    kind: 'answered',
    position: asked.line.position,
    bytes: openAILine(asked, { status, requestId, body, error: answerError({ code, message }, asked.line) }),
    succeeded: false,
    retryable: isRetryableStatus(status),
    usage,
    model: null,
  };
}
