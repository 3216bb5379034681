import { parseRequestLine, type RequestLine } from '../../../lib/lines/request-line.ts';
import type { TranslatedRequest } from '../../../lib/providers/contract.ts';
import { type KnownProvider, providerOf } from '../../../lib/providers/registry.ts';
import type { Endpoint } from '../../../lib/records/endpoints.ts';
import { isObject, type JsonObject } from '../../../lib/records/json.ts';
import { answered, lineId, openAILine } from './lines.ts';
import type { allAnswerShapes } from './published-answers.ts';
import type { RequestShapes } from './published-shapes.ts';
import { marksIn, type Shape, unmarked } from './sampled-shapes.ts';
import type { Target } from './translation-targets.ts';

const model = 'some-model';

/** A shape as a customer writes it; null where no such line is accepted at all, with the refusal's place. */
export interface WrittenShape {
  shape: Shape;
  line: RequestLine;
  plain: RequestLine;
}

interface Written {
  lines: WrittenShape[];
  refused: string[];
}

const writtenByForm = new Map<RequestShapes, Written>();

export function written(form: RequestShapes): Written {
  const known = writtenByForm.get(form) ?? write(form);
  writtenByForm.set(form, known);
  return known;
}

function write(form: RequestShapes): Written {
  const refused: string[] = [];
  const lines = form.shapes.flatMap((shape): WrittenShape[] => {
    const [line, plain] = [shape.value, shape.plain].map((body) => parsed(form, form.whole(body)));
    if (line && plain) return [{ shape, line, plain }];
    refused.push(shape.path);
    return [];
  });
  return { lines, refused };
}

function parsed({ format, endpoint }: RequestShapes, body: JsonObject): RequestLine | null {
  const whole = { ...body, model };
  const text =
    format === 'anthropic' ? JSON.stringify({ custom_id: 'mine', params: whole }) : openAILine('mine', whole, endpoint);
  const line = parseRequestLine({ lineNumber: 1, bytes: Buffer.from(text) }, endpoint);
  return line.ok ? line.request : null;
}

/** What becomes of a shape at a target: how it is rendered or refused, or what is wrong with that. */
export type Outcome = 'rendered' | 'changed' | 'refused' | { wrong: string };

export function outcomeOf({ shape, line, plain }: WrittenShape, { provider, model: name }: Target): Outcome {
  const target = { lineId, model: name };
  const translated = provider.translateRequest(line, target);
  if (!translated.ok) {
    const { param } = translated.error;
    // The tools that a call, or a choice of one, needs beside it.
    const isForTools = param?.endsWith('.tools') && shape.value.tools === undefined && 'tools' in line.body;
    return isForTools || isWithin(param, shape.path) ? 'refused' : { wrong: `refused for ${param}` };
  }
  const sent = translated.bytes.toString();
  if (translated.warnings.some(({ param }) => isAbout(param, shape.path))) return 'changed';
  const lost = marksIn(line.bytes.toString()).filter((mark) => !sent.includes(mark));
  if (lost.length > 0) return { wrong: `lost ${lost.join(', ')}` };
  const isFound = marksIn(JSON.stringify(shape.part)).length > 0;
  return isFound || differs(sent, provider.translateRequest(plain, target)) ? 'rendered' : { wrong: 'says nothing' };
}

/** Whether it says more than the same without what is varied. */
function differs(sent: string, plain: TranslatedRequest): boolean {
  return !plain.ok || unmarked(sent) !== unmarked(plain.bytes.toString());
}

/** Whether a place is that of what is varied, one around it, or one within it. */
function isAbout(param: string | null, path: string): boolean {
  const place = placeOf(param);
  return place !== null && (place.startsWith(path) || path.startsWith(place));
}

/** What is varied may stand in something that is refused as a whole: a part of an unknown type, a message without content. */
function isWithin(param: string | null, path: string): boolean {
  const place = placeOf(param);
  return place !== null && memberOf(place) === memberOf(path);
}

function placeOf(param: string | null): string | null {
  return /^(?:body|params)\.(.*)$/.exec((param ?? '').replaceAll(/\[\d+\]/g, '[]'))?.[1] ?? null;
}

function memberOf(place: string): string {
  return place.split(/[.[]/)[0] ?? '';
}

/** A type of answers, and how a provider wraps one. */
export interface AnswerSource {
  name: string;
  type: keyof typeof allAnswerShapes;
  provider: KnownProvider;
  model: string;
  lineOf(answer: JsonObject): object;
}

function inBody(answer: JsonObject): object {
  return { id: 'r', custom_id: lineId, response: { status_code: 200, request_id: 'q', body: answer }, error: null };
}

function converse(model: string): AnswerSource {
  const lineOf = (modelOutput: JsonObject) => ({ recordId: lineId, modelOutput });
  return {
    name: `Bedrock, ${model}`,
    type: 'ConverseResponse',
    provider: providerOf({ kind: 'bedrock' }),
    model,
    lineOf,
  };
}

export const answerSources: AnswerSource[] = [
  ...(['openai', 'groq', 'together', 'azure', 'openai-compatible', 'live'] as const).map((kind) => ({
    name: kind,
    type: 'ChatCompletion' as const,
    provider: providerOf({ kind }),
    model: 'some-model',
    lineOf: inBody,
  })),
  {
    name: 'Anthropic',
    type: 'Message',
    provider: providerOf({ kind: 'anthropic' }),
    model: 'claude-opus-4-6',
    lineOf: (message) => ({ custom_id: lineId, result: { type: 'succeeded', message } }),
  },
  {
    name: 'Bedrock, Claude',
    type: 'Message',
    provider: providerOf({ kind: 'bedrock' }),
    model: 'us.anthropic.claude-opus-4-6-v1:0',
    lineOf: (modelOutput) => ({ recordId: lineId, modelOutput }),
  },
  {
    name: 'Vertex, Claude',
    type: 'Message',
    provider: providerOf({ kind: 'vertex' }),
    model: 'claude-opus-4-6',
    lineOf: (response) => ({ custom_id: lineId, status: '', request: {}, response: { ...response, type: 'message' } }),
  },
  {
    name: 'Gemini',
    type: 'GenerateContentResponse',
    provider: providerOf({ kind: 'gemini' }),
    model: 'gemini-2.5-flash',
    lineOf: (response) => ({ key: lineId, response }),
  },
  {
    name: 'Vertex, Gemini',
    type: 'GenerateContentResponse',
    provider: providerOf({ kind: 'vertex' }),
    model: 'gemini-2.5-flash',
    lineOf: (response) => ({ custom_id: lineId, status: '', request: {}, response }),
  },
  converse('qwen.qwen3-32b-v1:0'),
  converse('us.amazon.nova-lite-v1:0'),
  ...(['mistral', 'bedrock'] as const).map(
    (kind): AnswerSource => ({
      name: `Mistral at ${kind}`,
      type: 'AssistantMessage',
      provider: providerOf({ kind }),
      model: 'mistral.mistral-large-2407-v1:0',
      lineOf: (message) => {
        const finish_reason = 'tool_calls' in message ? 'tool_calls' : 'stop';
        const body = {
          id: 'c',
          object: 'chat.completion',
          created: 1,
          model: 'm',
          choices: [{ index: 0, message, finish_reason }],
        };
        return kind === 'mistral' ? inBody(body) : { recordId: lineId, modelOutput: body };
      },
    }),
  ),
];

/** What a customer gets for an answer: `whole`, a failure with its reason, or what is wrong. */
export function answerOutcome(shape: Shape, source: AnswerSource, endpoint: Endpoint) {
  const line = JSON.stringify(source.lineOf(shape.value));
  const result = source.provider.translateResult(Buffer.from(line), answered({ endpoint, model: source.model }));
  if (result.kind !== 'answered') return { wrong: JSON.stringify(result) };
  const text = result.bytes.toString();
  if (!result.succeeded) return { failed: text };
  const lost = marksIn(line).filter((mark) => !text.includes(mark));
  const places = lost.map((mark) => pathOf(mark, shape.value).slice(1));
  return places.length > 0 ? { lost: places, text } : { text };
}

/** Where a mark stands; empty where it does not. */
function pathOf(mark: string, value: unknown): string {
  if (Array.isArray(value)) {
    const found = value.map((item) => pathOf(mark, item)).find((path) => path !== '');
    return found === undefined ? '' : `[]${found === '=' ? '' : found}`;
  }
  if (!isObject(value)) return String(value).includes(mark) ? '=' : '';
  for (const [name, member] of Object.entries(value)) {
    const path = name.includes(mark) ? '=' : pathOf(mark, member);
    if (path !== '') return `.${name}${path === '=' ? '' : path}`;
  }
  return '';
}
