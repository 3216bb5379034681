import type { JsonObject } from '../json.ts';
import { invalidRequest } from '../openai/error-reply.ts';
import type { Answer, AnswerSeed, Examination } from '../openai/examination.ts';
import { refusalOfIssues } from '../openai/issue-text.ts';
import { refusalOfTrigger, refuse } from '../openai/line-refusals.ts';
import { composeProse, composeRefusal, cut, type Prose } from '../prose.ts';
import { valueOfSchema } from '../schema-values.ts';
import { SeededRandom } from '../seeded-random.ts';
import { chooseTools, type OfferedTool, type ToolSituation } from '../tool-choice.ts';
import { triggerIn } from '../triggers.ts';
import { countTokens } from '../usage.ts';
import { type ChatRequest, chatRequestSchema } from './chat-request.ts';

/** /v1/chat/completions */
export function examineChat(body: JsonObject): Examination {
  const parsed = chatRequestSchema.safeParse(body);
  if (!parsed.success) return refuse(refusalOfIssues(parsed.error.issues, body));
  const complaint = orderComplaint(parsed.data);
  if (complaint !== null) return refuse(invalidRequest(complaint, null, 'invalid_request_message_order'));
  const refusal = refusalOfTrigger(triggerIn(questionOf(parsed.data)));
  return refusal === null ? { answer: (seed) => answerChat(parsed.data, seed) } : { refusal };
}

/** As Mistral's own validation says it; its words for this are undecided. */
function orderComplaint({ messages }: ChatRequest): string | null {
  const last = messages.at(-1);
  const isOpen = last?.role === 'user' || last?.role === 'tool' || (last?.role === 'assistant' && last.prefix === true);
  return isOpen
    ? null
    : `Expected last role User or Tool (or Assistant with prefix True) for serving but got ${last?.role}`;
}

interface Turn {
  message: JsonObject;
  finishReason: 'stop' | 'length' | 'tool_calls';
  outputTokens: number;
}

function answerChat(request: ChatRequest, seed: AnswerSeed): Answer {
  const turns = Array.from({ length: request.n ?? 1 }, () =>
    takeTurn(request, new SeededRandom(seed.random.hex(8)), seed.ids),
  );
  const inputTokens = countTokens(JSON.stringify(request.messages)) + countTokens(JSON.stringify(request.tools ?? ''));
  const outputTokens = turns.reduce((sum, turn) => sum + turn.outputTokens, 0);
  return {
    usage: { inputTokens, cachedTokens: 0, outputTokens, reasoningTokens: 0 },
    body: {
      id: seed.ids.hex(32),
      created: seed.createdSeconds,
      model: 'mistral-simulated-2611',
      usage: { prompt_tokens: inputTokens, total_tokens: inputTokens + outputTokens, completion_tokens: outputTokens },
      object: 'chat.completion',
      choices: turns.map(({ message, finishReason }, index) => ({ index, finish_reason: finishReason, message })),
    },
  };
}

function takeTurn(request: ChatRequest, random: SeededRandom, ids: SeededRandom): Turn {
  const question = questionOf(request);
  if (triggerIn(question) === 'decline')
    return textTurn(composeRefusal(), countTokens(composeRefusal()), 'stop', request);
  const tools = chooseTools({
    tools: (request.tools ?? []).map(({ function: { name, parameters } }) => ({ name, parameters })),
    choice: wantedTool(request),
    isParallel: request.parallel_tool_calls !== false,
    question: request.messages.at(-1)?.role === 'tool' ? '' : question,
  });
  if (tools.length > 0) return toolTurn(tools, random, ids, question);
  const prose = contentOf(request, random, question);
  return textTurn(prose.text, prose.outputTokens, prose.ending === 'length' ? 'length' : 'stop', request);
}

/** A model that was asked to reason answers in chunks. */
function textTurn(text: string, outputTokens: number, finishReason: Turn['finishReason'], request: ChatRequest): Turn {
  const isReasoning = request.prompt_mode === 'reasoning' || (request.reasoning_effort ?? 'none') !== 'none';
  const thought = { type: 'thinking', thinking: [{ type: 'text', text: 'Let me think.' }], closed: true };
  const content = isReasoning ? [thought, { type: 'text', text }] : text;
  return { message: { role: 'assistant', tool_calls: null, content }, finishReason, outputTokens };
}

function toolTurn(tools: OfferedTool[], random: SeededRandom, ids: SeededRandom, question: string): Turn {
  const calls = tools.map((tool, index) => ({
    id: ids.base62(9),
    function: { name: tool.name, arguments: JSON.stringify(valueOfSchema(tool.parameters, random, question)) },
    index,
  }));
  return {
    message: { role: 'assistant', tool_calls: calls, content: '' },
    finishReason: 'tool_calls',
    outputTokens: countTokens(JSON.stringify(calls)),
  };
}

function contentOf(request: ChatRequest, random: SeededRandom, question: string): Prose {
  const limits = { maxTokens: request.max_tokens ?? null, stopSequences: [request.stop ?? []].flat() };
  switch (request.response_format?.type) {
    case 'json_schema':
      return cut(
        JSON.stringify(valueOfSchema(request.response_format.json_schema?.schema ?? {}, random, question)),
        limits,
      );
    case 'json_object':
      return cut(JSON.stringify({ answer: composeProse(question, random, limits).text }), limits);
    case 'text':
    case undefined:
      return composeProse(question, random, limits);
  }
}

function wantedTool({ tool_choice: choice }: ChatRequest): ToolSituation['choice'] {
  if (choice === undefined) return 'auto';
  if (typeof choice === 'object') return choice.function;
  return choice === 'any' ? 'required' : choice;
}

/** The text of the last message that a user wrote. */
function questionOf({ messages }: ChatRequest): string {
  const content = messages.findLast(({ role }) => role === 'user')?.content ?? '';
  if (typeof content === 'string') return content;
  return content.flatMap((chunk) => (chunk.type === 'text' ? [chunk.text] : [])).join('\n');
}
