import type { ProviderPhase } from '../../contract.ts';

/** Whether nothing more is done in a batch of this phase. */
export function isEndedPhase(phase: ProviderPhase): boolean {
  return phase !== 'validating' && phase !== 'in_progress' && phase !== 'cancelling';
}
