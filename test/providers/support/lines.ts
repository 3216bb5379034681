import { parseRequestLine, type RequestLine } from '../../../lib/lines/request-line.ts';
import type { AnsweredLine, TranslatedRequest, TranslatedResult } from '../../../lib/providers/contract.ts';
import type { Endpoint } from '../../../lib/records/endpoints.ts';
import { providerLineId, sendingPrefix } from '../../../lib/records/ids.ts';

const prefix = sendingPrefix({
  batchId: `batch_${'0123456789abcdef'.repeat(2)}`,
  round: 0,
  shard: 3,
  attempt: 1,
});
export const lineId = providerLineId(prefix, 0);

/** A validated line of this text. */
export function lineOf(text: string, endpoint?: Endpoint, isAddressOptional = false): RequestLine {
  const parsed = parseRequestLine({ lineNumber: 1, bytes: Buffer.from(text) }, endpoint, isAddressOptional);
  if (!parsed.ok) throw new Error(`not a valid line: ${JSON.stringify(parsed.errors)}`);
  return parsed.request;
}

export function openAILine(customId: string, body: object, url = '/v1/chat/completions'): string {
  return JSON.stringify({ custom_id: customId, method: 'POST', url, body });
}

export function chatLine(body: object): RequestLine {
  const whole = { model: 'claude-opus-4-6', messages: [{ role: 'user', content: 'Hello' }], ...body };
  return lineOf(openAILine('mine', whole));
}

/** What was sent: the JSON of a translated line. */
export function sent(translated: TranslatedRequest): Record<string, unknown> {
  if (!translated.ok) throw new Error(`not translated: ${JSON.stringify(translated.error)}`);
  return JSON.parse(translated.bytes.toString());
}

export function answered(changes: Partial<AnsweredLine> = {}): (id: string) => AnsweredLine | null {
  const line: AnsweredLine = {
    position: 0,
    customId: 'mine',
    format: 'openai',
    endpoint: '/v1/chat/completions',
    model: null,
    attempts: 1,
    ...changes,
  };
  return (id) => (id === lineId ? line : null);
}

/** Our result line, parsed; fails where there is none. */
export function resultLine(result: TranslatedResult): Record<string, unknown> {
  if (result.kind !== 'answered') throw new Error(`not answered: ${JSON.stringify(result)}`);
  return JSON.parse(result.bytes.toString());
}
