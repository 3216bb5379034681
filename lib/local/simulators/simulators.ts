export { startAnthropicSimulator } from './anthropic/server.ts';
export type { Fault } from './faults.ts';
export { startOpenAISimulator } from './openai/server.ts';
export type { CreationRecord, Simulator, SimulatorOptions } from './simulator.ts';
