import type { ProviderKind } from '../core/config.ts';
import { anthropic } from './anthropic/provider.ts';
import { bedrock } from './bedrock/provider.ts';
import { groq } from './groq/provider.ts';
import { openai } from './openai/provider.ts';
import { openaiCompatible } from './openai-compatible/provider.ts';
import type { Provider } from './provider.ts';

/** Every kind of provider there is. A new one is a folder, a line here and a kind in core/config.ts. */
export const providers: Record<ProviderKind, Provider> = {
  openai,
  anthropic,
  groq,
  'openai-compatible': openaiCompatible,
  bedrock,
};
