import { anthropic } from './anthropic/provider.ts';
import { azure } from './azure/provider.ts';
import { bedrock } from './bedrock/provider.ts';
import { type ProviderConfig, type ProviderKind, providerKinds } from './config.ts';
import type { Provider } from './contract.ts';
import { gemini } from './gemini/provider.ts';
import { groq } from './groq/provider.ts';
import { live, liveAnthropic } from './live/provider.ts';
import { mistral } from './mistral/provider.ts';
import { openai } from './openai/provider.ts';
import { openaiCompatible } from './openai-compatible/provider.ts';
import { withTranslatedEndpoints } from './shared/forms/translated-endpoints.ts';
import { together } from './together/provider.ts';
import { vertex } from './vertex/provider.ts';
import { xai } from './xai/provider.ts';

/** What each kind has itself. A new one is a folder, a line here and a kind in core/config.ts. */
const own: Record<ProviderKind, Provider> = {
  openai,
  anthropic,
  gemini,
  vertex,
  azure,
  groq,
  together,
  xai,
  mistral,
  'openai-compatible': openaiCompatible,
  bedrock,
  live,
};

/** Every kind of provider there is, with the endpoints that it has through chat completions only. */
export const providers: Record<ProviderKind, Provider> = { ...own };
for (const kind of providerKinds) providers[kind] = withTranslatedEndpoints(own[kind]);

const anthropicEndpoint = withTranslatedEndpoints(liveAnthropic);

/** The provider of an account: a live endpoint may speak one API or another. */
export function providerOf(config: Pick<ProviderConfig, 'kind'> & { api?: string }): Provider {
  return config.kind === 'live' && config.api === 'anthropic' ? anthropicEndpoint : providers[config.kind];
}
