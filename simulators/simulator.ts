import { z } from 'zod';
import type { Fault } from './faults.ts';
import type { LiveCall } from './live-calls.ts';

/** The services that there are simulators of. */
export const simulatorKinds = [
  'openai',
  'anthropic',
  'bedrock',
  'gemini',
  'vertex',
  'azure',
  'groq',
  'together',
  'xai',
  'mistral',
  'openai-compatible',
  'fireworks',
  'openrouter',
  'live',
] as const;
export type SimulatorKind = (typeof simulatorKinds)[number];

/** How long a simulated batch stays in each phase, in milliseconds. */
export const timingSchema = z.strictObject({
  validatingMs: z.number().nonnegative().default(200),
  inProgressMs: z.number().nonnegative().default(600),
  finalizingMs: z.number().nonnegative().default(200),
});
export type Timing = z.infer<typeof timingSchema>;

export interface SimulatorOptions {
  /** Folder that keeps all state; a simulator started again on it carries on where the last one stopped. */
  dataDir: string;
  /** 0 or absent: a free port. */
  port?: number;
  /** If set, every other key is refused as the provider refuses it; if not, any non-empty key passes. */
  apiKey?: string;
  timing?: Partial<Timing>;
  /** Bedrock: records that a job must have at least. */
  minRecords?: number;
  /** Vertex: files over which a job's results are spread. */
  outputFiles?: number;
  /** What a live endpoint speaks; OpenAI's without it. */
  api?: 'openai' | 'anthropic';
  /** Replaces the faults kept in dataDir; without it they stay as they were. */
  faults?: Fault[];
}

/** One accepted creation of a batch, whether or not the client ever got the answer. */
export interface CreationRecord {
  provider: SimulatorKind;
  providerBatchId: string;
  createdAtMs: number;
  /** custom_ids in the accepted batch, in input order. */
  requestIds: string[];
  /** When the batch reached a terminal state; null while any of its lines may still be worked on. */
  endedAtMs: number | null;
  /** It ended as a whole, before any of its lines was worked on. */
  hasFailed: boolean;
}

export interface Simulator {
  /** Base URL as the official SDK takes it: with /v1 for OpenAI, without for Anthropic. */
  url: string;
  close(): Promise<void>;
  creations(): Promise<CreationRecord[]>;
  setFaults(faults: Fault[]): void;
  /** Ids of the batches that are not terminal yet. */
  openBatches(): Promise<string[]>;
}

/** A simulator that answers single requests too. */
export interface LiveSimulator extends Simulator {
  /** Every single request so far, in the order in which they were answered. */
  liveCalls(): LiveCall[];
}
