import type { LostCreateFinding } from '../../contract.ts';
import { UnendingListError } from './every-page.ts';

/** Pages of a provider's list that are read for one lost create: at 100 batches a page, 20,000 batches. */
export const maxListPages = 200;

/**
 * Looks for the batch that proves to be ours. A proof counts at any time: clocks are not asked, and no order is relied on,
 * so that `none` is said of a list only that was read to its end.
 *
 * @param mayBeOurs batches that show no proof and are not to be taken for others either.
 */
export async function findProven<Batch>(
  list: AsyncIterable<Batch>,
  idOf: (batch: Batch) => string,
  isOurs: (batch: Batch) => boolean,
  mayBeOurs: (batch: Batch) => boolean = () => false,
): Promise<LostCreateFinding> {
  const candidates: string[] = [];
  try {
    for await (const batch of list) {
      if (isOurs(batch)) return { finding: 'found', providerBatchId: idOf(batch) };
      if (mayBeOurs(batch)) candidates.push(idOf(batch));
    }
  } catch (error) {
    return unendingFinding(error, candidates);
  }
  return candidates.length > 0 ? undecidedAmong(candidates) : { finding: 'none' };
}

/** @throws what was thrown, unless it is a list that does not end. */
export function unendingFinding(error: unknown, candidates: string[]): LostCreateFinding {
  if (!(error instanceof UnendingListError)) throw error;
  return { finding: 'undecided', providerBatchIds: candidates, reason: error.message };
}

export function undecidedAmong(candidates: string[]): LostCreateFinding {
  const reason = `its ${candidates.length === 1 ? 'batch' : 'batches'} ${candidates.slice(0, 10).join(', ')} may hold it`;
  return { finding: 'undecided', providerBatchIds: candidates, reason };
}
