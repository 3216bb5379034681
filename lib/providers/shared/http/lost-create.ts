import type { LostCreate, LostCreateFinding } from '../../contract.ts';
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

/** Whether a batch may hold so many lines. One that counts none has not been counted yet: there are no batches of nothing. */
export function mayHold(total: number | null | undefined, lineCount: number): boolean {
  return total == null || total <= 0 || total === lineCount;
}

/** Batches of the right size whose results are looked into for one lost create. */
const maxResultLooks = 100;

/** How a batch is told that shows nothing of ours before it has ended. */
interface ResultProof<Batch> {
  mayBeOurs: (batch: Batch) => boolean;
  hasEnded: (batch: Batch) => boolean;
  /** By its results; null where they do not tell. */
  isOurs: (batch: Batch) => Promise<boolean | null>;
  /** Those to look into first; all that may be ours, in the list's order, without it. */
  inOrder?: (batches: readonly Batch[]) => Batch[];
}

/**
 * Looks for the batch whose results hold our ids. One that may be ours and has not ended, or does not tell, leaves it undecided.
 */
export async function findByResults<Batch extends { id: string }>(
  list: AsyncIterable<Batch>,
  { isClaimed }: Pick<LostCreate, 'isClaimed'>,
  { mayBeOurs, hasEnded, isOurs, inOrder = (batches) => [...batches] }: ResultProof<Batch>,
): Promise<LostCreateFinding> {
  const { batches, failure } = await batchesOf(list, mayBeOurs);
  const undecided: string[] = [];
  let looks = 0;
  for (const batch of inOrder(batches)) {
    if (await isClaimed(batch.id)) continue;
    const mayLook = hasEnded(batch) && looks < maxResultLooks;
    if (mayLook) looks += 1;
    const isProven = mayLook ? await isOurs(batch) : null;
    if (isProven) return { finding: 'found', providerBatchId: batch.id };
    if (isProven === null) undecided.push(batch.id);
  }
  if (failure) return unendingFinding(failure, undecided);
  return undecided.length > 0 ? undecidedAmong(undecided) : { finding: 'none' };
}

/** `failure` says why others may be missing. */
async function batchesOf<Batch>(
  list: AsyncIterable<Batch>,
  isWanted: (batch: Batch) => boolean,
): Promise<{ batches: Batch[]; failure: unknown }> {
  const batches: Batch[] = [];
  try {
    for await (const batch of list) if (isWanted(batch)) batches.push(batch);
    return { batches, failure: null };
  } catch (failure) {
    if (failure instanceof UnendingListError) return { batches, failure };
    throw failure;
  }
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
