import { startAnthropicSimulator } from './anthropic/server.ts';
import { startBedrockSimulator } from './bedrock/server.ts';
import { startFireworksSimulator } from './fireworks/server.ts';
import { startGeminiSimulator } from './gemini/server.ts';
import { mistralWire } from './mistral/wire.ts';
import { azureWire } from './openai/dialects/azure.ts';
import { compatibleWire } from './openai/dialects/compatible.ts';
import { groqWire } from './openai/dialects/groq.ts';
import { togetherWire } from './openai/dialects/together.ts';
import { xaiWire } from './openai/dialects/xai.ts';
import { simulatorOf, startOpenAISimulator } from './openai/server.ts';
import { startOpenRouterSimulator } from './openrouter/server.ts';
import type { Simulator, SimulatorKind, SimulatorOptions } from './simulator.ts';
import { startVertexSimulator } from './vertex/server.ts';

export { startAnthropicSimulator } from './anthropic/server.ts';
export type { Fault } from './faults.ts';
export { startFireworksSimulator } from './fireworks/server.ts';
export { startOpenAISimulator } from './openai/server.ts';
export type { CreationRecord, LiveSimulator, Simulator, SimulatorOptions } from './simulator.ts';

export const startSimulator: Record<SimulatorKind, (options: SimulatorOptions) => Promise<Simulator>> = {
  openai: startOpenAISimulator,
  anthropic: startAnthropicSimulator,
  bedrock: startBedrockSimulator,
  gemini: startGeminiSimulator,
  vertex: startVertexSimulator,
  azure: simulatorOf(azureWire),
  groq: simulatorOf(groqWire),
  together: simulatorOf(togetherWire),
  xai: simulatorOf(xaiWire),
  mistral: simulatorOf(mistralWire),
  'openai-compatible': simulatorOf(compatibleWire),
  fireworks: startFireworksSimulator,
  openrouter: startOpenRouterSimulator,
  live: (options) => (options.api === 'anthropic' ? startAnthropicSimulator(options) : startOpenAISimulator(options)),
};
