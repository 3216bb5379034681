import { type ProviderKind, providerKinds } from '../../lib/core/config.ts';
import type { Endpoint } from '../../lib/core/endpoints.ts';
import type { Provider } from '../../lib/providers/provider.ts';
import { providerOf } from '../../lib/providers/registry.ts';
import { openAILine } from './lines.ts';
import { asChat, asMessage, asResponse, type Talk } from './talk.ts';

/** A kind, and a model of those whose bodies look otherwise. */
export interface Target {
  name: string;
  provider: Provider;
  model: string;
}

const models: Partial<Record<ProviderKind, readonly string[]>> = {
  anthropic: ['claude-opus-4-6'],
  bedrock: ['us.anthropic.claude-opus-4-6-v1:0'],
  gemini: ['gemini-2.5-flash', 'gemini-3-pro'],
  vertex: ['gemini-2.5-flash', 'claude-opus-4-6'],
};

export const targets: Target[] = [
  ...providerKinds.flatMap((kind) =>
    (models[kind] ?? ['some-model']).map((model) => ({
      name: `${kind}, ${model}`,
      provider: providerOf({ kind }),
      model,
    })),
  ),
  {
    name: 'live, as Anthropic',
    provider: providerOf({ kind: 'live', api: 'anthropic' }),
    model: 'claude-opus-4-6',
  },
];

/** A form that a request can be written in. */
export interface RequestForm {
  name: string;
  endpoint: Endpoint;
  format: 'openai' | 'anthropic';
  bodyOf(talk: Talk): object;
}

export const requestForms: RequestForm[] = [
  { name: 'a chat completion', endpoint: '/v1/chat/completions', format: 'openai', bodyOf: asChat },
  { name: 'a Response', endpoint: '/v1/responses', format: 'openai', bodyOf: asResponse },
  { name: 'a Message', endpoint: '/v1/messages', format: 'anthropic', bodyOf: asMessage },
];

/** The line of a customer who calls it `mine`. */
export function writtenLine({ endpoint, format }: RequestForm, model: string, body: object): string {
  const whole = { model, ...body };
  return format === 'anthropic'
    ? JSON.stringify({ custom_id: 'mine', params: whole })
    : openAILine('mine', whole, endpoint);
}
