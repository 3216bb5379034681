import type { JsonObject } from '../json.ts';
import { composeProse, cut } from '../prose.ts';
import { valueOfSchema } from '../schema-values.ts';
import { SeededRandom } from '../seeded-random.ts';
import { chooseTools, type OfferedTool } from '../tool-choice.ts';
import { type Trigger, triggerIn } from '../triggers.ts';
import { countTokens, type TokenUsage } from '../usage.ts';
import { type RpcError, rpcError } from './error-reply.ts';
import { type GenerateContent, generateContentSchema } from './generate-content-request.ts';
import { type AskedModel, complaintAbout } from './generate-content-rules.ts';

export type Examination = { error: RpcError } | { response: JsonObject; usage: TokenUsage };

/** What a model answers to a request; the same request always gets the same answer, but for its ids. */
export function generateContent(request: unknown, asked: AskedModel, ids: SeededRandom): Examination {
  const parsed = generateContentSchema.safeParse(request);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = issue?.path.join('.') || 'request';
    return { error: rpcError(400, `Invalid JSON payload received. ${issue?.message} at '${place}'`) };
  }
  const complaint = complaintAbout(parsed.data, asked);
  if (complaint !== null) return { error: rpcError(400, complaint) };
  const trigger = triggerIn(questionOf(parsed.data));
  const error = errorOfTrigger(trigger);
  return error ? { error } : answer(parsed.data, asked, trigger === 'decline', ids);
}

export function errorOfTrigger(trigger: Trigger | null): RpcError | null {
  switch (trigger) {
    case 'refuse':
      return rpcError(400, 'The request was refused for its content.');
    case 'rate-limit':
      return rpcError(429);
    case 'server-error':
      return rpcError(500);
    case 'overloaded':
      return rpcError(503);
    case 'decline':
    case null:
      return null;
  }
}

interface Turn {
  parts: JsonObject[];
  finishReason: 'STOP' | 'MAX_TOKENS' | 'SAFETY';
  text: string;
  outputTokens: number;
}

function answer(request: GenerateContent, asked: AskedModel, declines: boolean, ids: SeededRandom): Examination {
  const config = request.generationConfig ?? {};
  const count = config.candidateCount ?? 1;
  const turns = Array.from({ length: count }, (_, index) => {
    const random = new SeededRandom(`${index} ${JSON.stringify(request)}`);
    return declines ? silence : takeTurn(request, random, ids);
  });
  const thoughts = config.thinkingConfig && config.thinkingConfig.thinkingBudget !== 0 ? 64 : 0;
  const inputTokens = countTokens(JSON.stringify([request.contents, request.systemInstruction, request.tools]));
  const candidatesTokens = turns.reduce((sum, turn) => sum + turn.outputTokens, 0);
  const response = {
    candidates: turns.map((turn, index) =>
      candidateOf(turn, index, config.responseLogprobs === true, config.logprobs ?? 0),
    ),
    usageMetadata: {
      promptTokenCount: inputTokens,
      ...(candidatesTokens > 0 && { candidatesTokenCount: candidatesTokens }),
      totalTokenCount: inputTokens + candidatesTokens + thoughts,
      promptTokensDetails: [{ modality: 'TEXT', tokenCount: inputTokens }],
      ...(thoughts > 0 && { thoughtsTokenCount: thoughts }),
    },
    modelVersion: asked.model,
    responseId: ids.base62(22),
    ...(asked.surface === 'vertex' && { createTime: new Date().toISOString() }),
  };
  const usage = { inputTokens, cachedTokens: 0, outputTokens: candidatesTokens + thoughts, reasoningTokens: thoughts };
  return { response, usage };
}

function candidateOf(turn: Turn, index: number, withLogprobs: boolean, alternatives: number): JsonObject {
  return {
    ...(turn.parts.length > 0 && { content: { parts: turn.parts, role: 'model' } }),
    finishReason: turn.finishReason,
    ...(index > 0 && { index }),
    ...(withLogprobs && { logprobsResult: logprobsOf(turn.text, alternatives) }),
  };
}

function logprobsOf(text: string, alternatives: number): JsonObject {
  const chosen = (text.match(/\s?\S+/g) ?? []).map((token, index) => ({
    token,
    tokenId: index,
    logProbability: -0.125,
  }));
  const topCandidates = chosen.map((each) => ({ candidates: Array.from({ length: alternatives }, () => each) }));
  return { chosenCandidates: chosen, ...(alternatives > 0 && { topCandidates }) };
}

const silence: Turn = { parts: [], finishReason: 'SAFETY', text: '', outputTokens: 0 };

function takeTurn(request: GenerateContent, random: SeededRandom, ids: SeededRandom): Turn {
  const question = questionOf(request);
  const last = request.contents.at(-1);
  const hasResults = last?.parts.some((part) => part.functionResponse !== undefined) ?? false;
  const offered = offeredTools(request);
  const tools = chooseTools({
    tools: offered,
    choice: wantedTool(request),
    isParallel: true,
    question: hasResults ? '' : question,
  });
  return tools.length > 0 ? callTurn(tools, random, ids, question) : textTurn(request, random, question);
}

function offeredTools({ tools = [], toolConfig }: GenerateContent): OfferedTool[] {
  const allowed = toolConfig?.functionCallingConfig.allowedFunctionNames;
  return tools
    .flatMap(({ functionDeclarations }) => functionDeclarations)
    .filter(({ name }) => allowed?.includes(name) ?? true)
    .map(({ name, parametersJsonSchema }) => ({ name, parameters: parametersJsonSchema ?? {} }));
}

function wantedTool({ toolConfig }: GenerateContent): 'none' | 'auto' | 'required' {
  switch (toolConfig?.functionCallingConfig.mode) {
    case 'NONE':
      return 'none';
    case 'ANY':
      return 'required';
    case 'AUTO':
    case undefined:
      return 'auto';
  }
}

function callTurn(tools: OfferedTool[], random: SeededRandom, ids: SeededRandom, question: string): Turn {
  const parts = tools.map(({ name, parameters }) => ({
    functionCall: { id: ids.base62(8), name, args: valueOfSchema(parameters, random, question) },
    thoughtSignature: ids.base62(64),
  }));
  return { parts, finishReason: 'STOP', text: '', outputTokens: countTokens(JSON.stringify(parts)) };
}

function textTurn({ generationConfig = {} }: GenerateContent, random: SeededRandom, question: string): Turn {
  const limits = {
    maxTokens: generationConfig.maxOutputTokens ?? null,
    stopSequences: generationConfig.stopSequences ?? [],
  };
  const { responseMimeType, responseSchema, responseJsonSchema } = generationConfig;
  const schema = responseSchema ?? responseJsonSchema ?? { type: 'object' };
  const prose =
    responseMimeType === 'application/json'
      ? cut(JSON.stringify(valueOfSchema(schema, random, question)), limits)
      : composeProse(question, random, limits);
  return {
    parts: [{ text: prose.text }],
    finishReason: prose.ending === 'length' ? 'MAX_TOKENS' : 'STOP',
    text: prose.text,
    outputTokens: prose.outputTokens,
  };
}

/** The text of the last message in which a user wrote text. */
function questionOf({ contents }: GenerateContent): string {
  for (const { role, parts } of contents.toReversed()) {
    const texts = role === 'user' ? parts.flatMap(({ text }) => text ?? []) : [];
    if (texts.length > 0) return texts.join('\n');
  }
  return '';
}
