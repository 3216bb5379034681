import { anthropic } from './anthropic/provider.ts';
import { azure } from './azure/provider.ts';
import { bedrock } from './bedrock/provider.ts';
import type { Provider } from './contract.ts';
import { fireworks } from './fireworks/provider.ts';
import { gemini } from './gemini/provider.ts';
import { groq } from './groq/provider.ts';
import { live, liveAnthropic } from './live/provider.ts';
import { mistral } from './mistral/provider.ts';
import { openai } from './openai/provider.ts';
import { openaiCompatible } from './openai-compatible/provider.ts';
import { openrouter } from './openrouter/provider.ts';
import { withTranslatedEndpoints } from './shared/forms/translated-endpoints.ts';
import { together } from './together/provider.ts';
import { vertex } from './vertex/provider.ts';
import { xai } from './xai/provider.ts';

/** Every kind of provider there is, as its folder describes it. Whatever else knows of providers is made from this list. */
export const registered = {
  openai,
  anthropic,
  gemini,
  vertex,
  groq,
  together,
  xai,
  azure,
  mistral,
  'openai-compatible': openaiCompatible,
  bedrock,
  fireworks,
  openrouter,
  live,
} as const;

export type ProviderKind = keyof typeof registered;

/** A provider of the list above. */
export type KnownProvider = Provider & { kind: ProviderKind };

/** The same, with the endpoints that a provider has through chat completions only. */
export const providers: Record<ProviderKind, KnownProvider> = { ...registered };
for (const provider of Object.values(registered))
  providers[provider.kind] = withTranslatedEndpoints<KnownProvider>(provider);

const anthropicEndpoint = withTranslatedEndpoints<KnownProvider>(liveAnthropic);

/** The provider of an account: a live endpoint may speak one API or another. */
export function providerOf({ kind, api }: { kind: ProviderKind; api?: string }): KnownProvider {
  return kind === 'live' && api === 'anthropic' ? anthropicEndpoint : providers[kind];
}
