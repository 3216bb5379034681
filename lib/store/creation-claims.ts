import { type CreationClaim, claimAfterCall, creationClaimSchema } from '../records/creation-claim.ts';
import { TransientError } from '../records/errors.ts';
import type { Key, RecordTable } from './record-table.ts';

/** Claims of creations in DynamoDB, found by who creates what. */
export class CreationClaims {
  readonly #table: RecordTable;

  constructor(table: RecordTable) {
    this.#table = table;
  }

  /** @returns the claim that stands after the call: its own, or that of the call which it repeats. */
  async take(creation: string, asked: CreationClaim, nowSeconds: number): Promise<CreationClaim> {
    const key = claimKey(creation);
    if (await this.#table.putNew(key, asked)) return asked;
    return this.#table.update(key, {
      read: () => this.#get(key),
      change: (standing) => claimAfterCall(standing, asked, nowSeconds),
    });
  }

  /** Notes that somebody knows the batch of that identity. */
  async markKnown(creation: string, identity: string): Promise<void> {
    const key = claimKey(creation);
    const standing = await this.#table.get(key, creationClaimSchema);
    if (standing === null || standing.isKnown || standing.identity !== identity) return;
    await this.#table.update(key, {
      read: () => this.#get(key),
      change: (claim) => (claim.identity === identity && !claim.isKnown ? { ...claim, isKnown: true } : claim),
    });
  }

  async #get(key: Key): Promise<CreationClaim> {
    const claim = await this.#table.get(key, creationClaimSchema);
    if (!claim) throw new TransientError('The claim of a creation went while it was changed.');
    return claim;
  }
}

function claimKey(creation: string): Key {
  return { pk: `creation#${creation}`, sk: 'creation' };
}
