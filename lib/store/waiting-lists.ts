import {
  forgetOwner,
  nobodyWaits,
  noteRefusal,
  noteStart,
  type Refusal,
  tenantsAhead,
  type WaitingList,
  waitingListSchema,
} from '../records/waiting-list.ts';
import type { Key, RecordTable } from './record-table.ts';

/** Who waits for a place at an account: one item for each account whose batches are limited. */
export class WaitingLists {
  readonly #table: RecordTable;

  constructor(table: RecordTable) {
    this.#table = table;
  }

  async find(account: string): Promise<WaitingList> {
    return (await this.#table.get(waitingListKey(account), waitingListSchema)) ?? nobodyWaits;
  }

  /** @returns false, with nothing noted, if others come first. Where nobody waits nothing is written. */
  async start(account: string, tenant: string, nowMs: number): Promise<boolean> {
    let isFirst = true;
    await this.#change(account, (list) => {
      isFirst = tenantsAhead(list, tenant, nowMs).length === 0;
      return isFirst ? noteStart(list, tenant, nowMs) : list;
    });
    return isFirst;
  }

  async refuse(account: string, refusal: Refusal): Promise<void> {
    await this.#change(account, (list) => noteRefusal(list, refusal));
  }

  async forget(account: string, tenant: string, owner: string): Promise<void> {
    await this.#change(account, (list) => forgetOwner(list, tenant, owner));
  }

  async #change(account: string, change: (list: WaitingList) => WaitingList): Promise<void> {
    const key = waitingListKey(account);
    const read = async () => {
      const found = await this.#table.get(key, waitingListSchema);
      if (!found && change(nobodyWaits) !== nobodyWaits) await this.#table.putNew(key, nobodyWaits);
      return found ?? nobodyWaits;
    };
    await this.#table.update(key, { read, change });
  }
}

function waitingListKey(account: string): Key {
  return { pk: `gate#${account}`, sk: 'waiting' };
}
