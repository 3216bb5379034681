import { z } from 'zod';
import type { Key, RecordTable } from './record-table.ts';

/** The folders that the sweep walks through, a stretch each time. */
export type CursorName = 'inbox' | 'work';

const cursorSchema = z.object({ version: z.number().int(), after: z.string() });

/** How far the sweep has come in folders that one run cannot see the whole of. */
export class Cursors {
  readonly #table: RecordTable;

  constructor(table: RecordTable) {
    this.#table = table;
  }

  /** @returns the key to go on after; empty for the folder's beginning. */
  async read(name: CursorName): Promise<string> {
    return (await this.#table.get(cursorKey(name), cursorSchema))?.after ?? '';
  }

  async write(name: CursorName, after: string): Promise<void> {
    const key = cursorKey(name);
    if (await this.#table.putNew(key, { version: 0, after })) return;
    const read = async () => (await this.#table.get(key, cursorSchema)) ?? { version: 0, after };
    await this.#table.update(key, { read, change: (current) => ({ ...current, after }) });
  }
}

function cursorKey(name: CursorName): Key {
  return { pk: `cursor#${name}`, sk: 'cursor' };
}
