import { type ProviderKind, providerKinds } from '../../../lib/providers/config.ts';
import { type KnownProvider, providerOf } from '../../../lib/providers/registry.ts';
import type { Endpoint } from '../../../lib/records/endpoints.ts';
import { openAILine } from './lines.ts';
import { type Ability, asChat, asMessage, asResponse, type Talk } from './talk.ts';

/** A kind, and a model of those whose bodies look otherwise. */
export interface Target {
  name: string;
  provider: KnownProvider;
  model: string;
  /** What its body has no place for, besides what every chat completion can say. */
  lacks: readonly Ability[];
}

const textOnly: readonly Ability[] = ['images', 'several texts', 'tools', 'schema'];

const models: Partial<Record<ProviderKind, Record<string, readonly Ability[]>>> = {
  anthropic: { 'claude-opus-4-6': [] },
  // Pictures go by URL only.
  openrouter: { 'openai/gpt-4o-mini': ['images'] },
  gemini: { 'gemini-2.5-flash': [], 'gemini-3-pro': [] },
  vertex: { 'gemini-2.5-flash': [], 'claude-opus-4-6': [] },
  bedrock: {
    'us.anthropic.claude-opus-4-6-v1:0': [],
    'us.amazon.nova-lite-v1:0': ['no tool', 'schema'],
    'mistral.mistral-large-2407-v1:0': ['several texts', 'a certain tool', 'stop', 'schema'],
    'qwen.qwen3-32b-v1:0': ['tools'],
    'meta.llama3-3-70b-instruct-v1:0': [...textOnly, 'stop'],
    'mistral.mixtral-8x7b-instruct-v0:1': [...textOnly, 'system'],
  },
};

export const targets: Target[] = [
  ...providerKinds.flatMap((kind) =>
    Object.entries(models[kind] ?? { 'some-model': [] }).map(([model, lacks]) => ({
      name: `${kind}, ${model}`,
      provider: providerOf({ kind }),
      model,
      lacks,
    })),
  ),
  {
    name: 'live, as Anthropic',
    provider: providerOf({ kind: 'live', api: 'anthropic' }),
    model: 'claude-opus-4-6',
    lacks: [],
  },
];

/** A form that a request can be written in. */
export interface RequestForm {
  name: string;
  endpoint: Endpoint;
  format: 'openai' | 'anthropic';
  /** What the form cannot say. */
  lacks: readonly Ability[];
  bodyOf(talk: Talk): object;
}

export const requestForms: RequestForm[] = [
  { name: 'a chat completion', endpoint: '/v1/chat/completions', format: 'openai', lacks: [], bodyOf: asChat },
  { name: 'a Response', endpoint: '/v1/responses', format: 'openai', lacks: ['stop'], bodyOf: asResponse },
  { name: 'a Message', endpoint: '/v1/messages', format: 'anthropic', lacks: [], bodyOf: asMessage },
];

/** The line of a customer who calls it `mine`. */
export function writtenLine({ endpoint, format }: RequestForm, model: string, body: object): string {
  const whole = { model, ...body };
  return format === 'anthropic'
    ? JSON.stringify({ custom_id: 'mine', params: whole })
    : openAILine('mine', whole, endpoint);
}
