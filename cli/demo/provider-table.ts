import type { ProviderKind } from '../../lib/providers/config.ts';

/** What `demo --all-providers` must know of a kind. */
interface DemoProvider {
  /** A model that its simulator has. */
  model: string;
  /** Members of its entry in the configuration beside its kind. */
  config: object;
  /** How often it gets each line, where its batches are not small: once, unless it says so. */
  turns?: number;
}

const withSecret = { secret: 'simulated' };

export const demoProviders: Record<ProviderKind, DemoProvider> = {
  openai: { model: 'gpt-5-mini', config: withSecret },
  anthropic: { model: 'claude-opus-4-6', config: withSecret },
  gemini: { model: 'gemini-2.5-flash', config: withSecret },
  vertex: {
    model: 'claude-opus-4-6',
    config: { ...withSecret, project: 'demo-project', location: 'us-central1', bucket: 'demo-bucket' },
  },
  azure: { model: 'my-deployment', config: { ...withSecret, baseUrl: 'http://127.0.0.1:9/openai/v1' } },
  together: { model: 'meta-llama/Llama-3.3-70B-Instruct-Turbo', config: withSecret },
  xai: { model: 'grok-4', config: withSecret },
  mistral: { model: 'mistral-small-latest', config: withSecret },
  groq: { model: 'llama-3.3-70b-versatile', config: withSecret },
  'openai-compatible': { model: 'my-model', config: { ...withSecret, baseUrl: 'http://127.0.0.1:9/v1' } },
  live: { model: 'my-model', config: { ...withSecret, api: 'openai', baseUrl: 'http://127.0.0.1:9/v1' } },
  bedrock: { model: 'us.anthropic.claude-opus-4-6-v1:0', config: { region: 'us-east-1' }, turns: 100 },
};
