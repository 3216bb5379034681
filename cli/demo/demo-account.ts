import type { ProviderKind } from '../../lib/providers/config.ts';
import { providers } from '../../lib/providers/registry.ts';

/** What `demo --all-providers` must know of a kind. */
export interface DemoAccount {
  /** A model that its simulator has. */
  model: string;
  /** Its entry in the configuration. */
  entry: { kind: ProviderKind };
  /** How often it gets each line, so that its batches are not too small: once, unless it has a minimum. */
  turns: number;
}

export function demoAccount(kind: ProviderKind): DemoAccount {
  const { example, key, limits } = providers[kind];
  const { minRequests = 1 } = limits;
  return {
    model: example.model,
    entry: { kind, ...(key !== 'none' && { secret: 'simulated' }), ...example.settings },
    turns: Number.isFinite(minRequests) ? minRequests : 1,
  };
}
