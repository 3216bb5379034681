import type { ProviderKind } from '../../lib/providers/config.ts';

/** A model by which a kind knows how to write the request; any other gets a name that says nothing. */
const models: Partial<Record<ProviderKind, string>> = {
  anthropic: 'claude-opus-4-6',
  bedrock: 'us.anthropic.claude-opus-4-6-v1:0',
  gemini: 'gemini-2.5-flash',
  vertex: 'gemini-2.5-flash',
};

export function modelOf(kind: ProviderKind): string {
  return models[kind] ?? 'some-model';
}

/** About 1 kB: a conversation, as most requests are. */
export function requestText(kind: ProviderKind): string {
  const messages = [
    { role: 'system', content: 'You classify support tickets. Answer with one word.' },
    { role: 'user', content: 'The parcel came, but the box was empty. '.repeat(18) },
    { role: 'assistant', content: 'shipping' },
    { role: 'user', content: 'And this one: the invoice shows the wrong address.' },
  ];
  const body = { model: modelOf(kind), messages, max_tokens: 200, temperature: 0.5 };
  return JSON.stringify({ custom_id: 'request-1', method: 'POST', url: '/v1/chat/completions', body });
}
