import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { JsonObject } from '../../lib/records/json.ts';
import { inboxPrefix, statusKey } from '../../lib/records/object-keys.ts';
import type { Objects } from '../../lib/store/objects.ts';
import { tableStart } from '../../lib/tables/row.ts';
import { TableReader } from '../../lib/tables/table-reader.ts';
import { compileTemplate } from '../../lib/tables/template.ts';
import { hasBatchEnded } from '../transport/batch-state.ts';
import { statusDocumentSchema } from '../transport/bucket/status-document.ts';

/** The part of a status file that is shown. */
const statusSchema = statusDocumentSchema.extend({ summary: z.string().nullable(), table: z.string().nullish() });
type DropStatus = z.infer<typeof statusSchema>;

/** A file in the inbox, and what has become of it so far. */
export interface DemoDrop {
  /** Its name under examples/. */
  file: string;
  /** Its lines, without line endings; of a table the requests that are made of its rows. */
  lines: string[];
  droppedAtMs: number;
  /** Null until there is a status file. */
  status: DropStatus | null;
  /** Null until the batch has ended. */
  endedAtMs: number | null;
}

/** Shows the state of all drops, again and again. */
export interface DropDisplay {
  show(drops: readonly DemoDrop[]): void;
  /** Leaves the last state standing. */
  finish(drops: readonly DemoDrop[]): void;
}

const lookEveryMilliseconds = 100;
/** The issue promises 30 s after the install; a demo that takes twice that hangs. */
const giveUpMilliseconds = 60_000;

export async function dropFile(bucket: Objects, file: string, text: string): Promise<DemoDrop> {
  const key = inboxPrefix + file;
  await bucket.delete([statusKey(key)]); // of an earlier demo in the same folder
  await bucket.putText(key, text, 'application/x-ndjson');
  const lines = text.split('\n').filter((line) => line !== '');
  return { file, lines, droppedAtMs: Date.now(), status: null, endedAtMs: null };
}

/** Drops a table with its template, as the options beside it. */
export async function dropTable(bucket: Objects, file: string, text: string, template: JsonObject): Promise<DemoDrop> {
  const bytes = Buffer.from(text);
  const from = async function* () {
    yield bytes;
  };
  const source = { bytes: bytes.length, from, between: async () => bytes };
  const lines: string[] = [];
  for await (const made of new TableReader({ kind: 'csv' }, compileTemplate(template)).read(source, tableStart))
    for (const line of made.lines) lines.push(line.bytes?.toString('utf8') ?? '');
  await bucket.putText(`${inboxPrefix}${file}.options.json`, JSON.stringify({ template }));
  return { ...(await dropFile(bucket, file, text)), lines };
}

/** Reads the status files until every batch has ended. */
export async function followDrops(bucket: Objects, drops: readonly DemoDrop[], display: DropDisplay): Promise<void> {
  const giveUpAtMs = Date.now() + giveUpMilliseconds;
  while (drops.some((drop) => drop.endedAtMs === null)) {
    if (Date.now() > giveUpAtMs)
      throw new Error(`The demo's batches did not end within ${giveUpMilliseconds / 1_000} s.`);
    await sleep(lookEveryMilliseconds);
    await Promise.all(drops.map((drop) => look(bucket, drop)));
    display.show(drops);
  }
  display.finish(drops);
}

async function look(bucket: Objects, drop: DemoDrop): Promise<void> {
  if (drop.endedAtMs !== null) return;
  const found = await bucket.readText(statusKey(inboxPrefix + drop.file));
  if (found === null) return;
  drop.status = statusSchema.parse(JSON.parse(found.text));
  if (hasBatchEnded(drop.status)) drop.endedAtMs = Date.now();
}
