import { writeFileSync } from 'node:fs';
import { providerLineId } from '../../lib/records/ids.ts';
import { fillerText } from './input-files.ts';

export type ResultKind = 'openai' | 'anthropic';

/** Writes a provider's results for the lines of one sending, in an order that has nothing to do with theirs. */
export function writeResultFile(
  path: string,
  kind: ResultKind,
  sending: { prefix: string; lines: number },
  bytesPerLine: number,
): void {
  const text = fillerText(bytesPerLine);
  const spare = Math.max(1, bytesPerLine - resultOf(kind, providerLineId(sending.prefix, 0), '').length - 1);
  const lines = shuffled(sending.lines).map((position) =>
    resultOf(kind, providerLineId(sending.prefix, position), `${position} ${text.slice(0, spare)}`),
  );
  writeFileSync(path, `${lines.join('\n')}\n`);
}

function resultOf(kind: ResultKind, customId: string, text: string): string {
  switch (kind) {
    case 'openai':
      return JSON.stringify({
        id: `batch_req_${customId}`,
        custom_id: customId,
        response: completion(text),
        error: null,
      });
    case 'anthropic':
      return JSON.stringify({ custom_id: customId, result: { type: 'succeeded', message: message(text) } });
  }
}

function completion(content: string) {
  const usage = { prompt_tokens: 212, completion_tokens: 180, total_tokens: 392 };
  const choice = { index: 0, message: { role: 'assistant', content, refusal: null }, finish_reason: 'stop' };
  const head = {
    id: 'chatcmpl-Bx7',
    object: 'chat.completion',
    created: 1_764_000_000,
    model: 'gpt-5-mini-2026-08-07',
  };
  return { status_code: 200, request_id: 'req_4f1a', body: { ...head, choices: [choice], usage } };
}

function message(text: string) {
  const usage = { input_tokens: 212, output_tokens: 180, cache_read_input_tokens: 0, service_tier: 'batch' };
  const head = { id: 'msg_013Z', type: 'message', role: 'assistant', model: 'claude-sonnet-4-5' };
  return { ...head, content: [{ type: 'text', text }], stop_reason: 'end_turn', stop_sequence: null, usage };
}

/** The same order in every run. */
function shuffled(count: number): number[] {
  const order = Array.from({ length: count }, (_, place) => place);
  let state = 12_345;
  for (let at = count - 1; at > 0; at -= 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const other = state % (at + 1);
    [order[at], order[other]] = [order[other] ?? 0, order[at] ?? 0];
  }
  return order;
}
