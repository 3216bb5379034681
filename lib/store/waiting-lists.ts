import {
  forgetOwner,
  type NotedStart,
  nobodyWaits,
  noteRefusal,
  noteStart,
  type Refusal,
  takeBackStart,
  tenantsAhead,
  type WaitingList,
  waitingListSchema,
} from '../records/waiting-list.ts';
import type { Key, RecordTable } from './record-table.ts';

/** Who waits for a place: one item for each account whose batches are limited, and for each model whose queue is. */
export class WaitingLists {
  readonly #table: RecordTable;

  constructor(table: RecordTable) {
    this.#table = table;
  }

  async find(name: string): Promise<WaitingList> {
    return (await this.#table.get(waitingListKey(name), waitingListSchema)) ?? nobodyWaits;
  }

  /** @returns null, with nothing noted, if others come first. Where nobody waits nothing is written. */
  async start(name: string, tenant: string, nowMs: number): Promise<NotedStart | null> {
    let noted: NotedStart | null = null;
    await this.#change(name, (before) => {
      const after = tenantsAhead(before, tenant, nowMs).length === 0 ? noteStart(before, tenant, nowMs) : null;
      noted = after && { before, after };
      return after ?? before;
    });
    return noted;
  }

  async takeBack(name: string, tenant: string, noted: NotedStart): Promise<void> {
    await this.#change(name, (list) => takeBackStart(list, tenant, noted));
  }

  async refuse(name: string, refusal: Refusal): Promise<void> {
    await this.#change(name, (list) => noteRefusal(list, refusal));
  }

  async forget(name: string, tenant: string, owner: string): Promise<void> {
    await this.#change(name, (list) => forgetOwner(list, tenant, owner));
  }

  async #change(name: string, change: (list: WaitingList) => WaitingList): Promise<void> {
    const key = waitingListKey(name);
    const read = async () => {
      const found = await this.#table.get(key, waitingListSchema);
      if (!found && change(nobodyWaits) !== nobodyWaits) await this.#table.putNew(key, nobodyWaits);
      return found ?? nobodyWaits;
    };
    await this.#table.update(key, { read, change });
  }
}

function waitingListKey(name: string): Key {
  return { pk: `gate#${name}`, sk: 'waiting' };
}
