import type { ProviderKind } from '../core/config.ts';
import { connectAnthropic } from './anthropic/client.ts';
import { limits as anthropicLimits, directUse as directUseOfAnthropic } from './anthropic/limits.ts';
import {
  anthropicEndpoints,
  passesThrough as passesToAnthropic,
  translateRequest as translateToAnthropic,
} from './anthropic/request.ts';
import { translateResult as translateFromAnthropic } from './anthropic/result.ts';
import { connectOpenAI } from './openai/client.ts';
import { directUse as directUseOfOpenAI, limits as openAILimits } from './openai/limits.ts';
import {
  openAIEndpoints,
  passesThrough as passesToOpenAI,
  translateRequest as translateToOpenAI,
} from './openai/request.ts';
import { translateResult as translateFromOpenAI } from './openai/result.ts';
import type { Provider } from './provider.ts';

/** Every kind of provider there is. A new one is a folder, a line here and a kind in core/config.ts. */
export const providers: Record<ProviderKind, Provider> = {
  openai: {
    kind: 'openai',
    limits: openAILimits,
    endpoints: openAIEndpoints,
    passesThrough: passesToOpenAI,
    translateRequest: translateToOpenAI,
    translateResult: translateFromOpenAI,
    direct: directUseOfOpenAI,
    connect: connectOpenAI,
  },
  anthropic: {
    kind: 'anthropic',
    limits: anthropicLimits,
    endpoints: anthropicEndpoints,
    passesThrough: passesToAnthropic,
    translateRequest: translateToAnthropic,
    translateResult: translateFromAnthropic,
    direct: directUseOfAnthropic,
    connect: connectAnthropic,
  },
};
