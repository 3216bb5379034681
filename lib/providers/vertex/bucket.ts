import { z } from 'zod';
import { withoutEndSlashes } from '../../records/base-url.ts';
import { look } from '../google-family/api.ts';
import { listReply } from '../google-family/list-reply.ts';
import { uploadTimeoutSeconds } from '../shared/http/allowances.ts';
import { withDeadline } from '../shared/http/deadline.ts';
import { everyPage } from '../shared/http/every-page.ts';
import { verifiedDownload } from '../shared/http/verified-download.ts';
import type { VertexCalls } from './calls.ts';

const objectListSchema = listReply({ items: z.array(z.object({ name: z.string() })).default([]) });

/** `predictions.jsonl`, or with a number, or `prediction.results-...`; a job's errors stand in `prediction.errors_stats-...`. */
const predictionFile = /^(?:.*\/)?prediction(?!\.errors)[^/]*$/;

/** One of several files names how many there are: `...-00000-of-00003.jsonl`. */
const shardName = /-\d{5}-of-(\d{5})(\.[^/.]*)?$/;

/** The account's bucket in Cloud Storage. Source: https://docs.cloud.google.com/storage/docs/json_api, from memory. */
export class Bucket {
  readonly #calls: VertexCalls;

  constructor(calls: VertexCalls) {
    this.#calls = calls;
  }

  uriOf(object: string): string {
    return `gs://${this.#calls.config.bucket}/${object}`;
  }

  async upload(object: string, blob: Blob, signal: AbortSignal): Promise<void> {
    const { bucket } = this.#calls.config;
    const path = `/upload/storage/v1/b/${bucket}/o?uploadType=media&name=${encodeURIComponent(object)}`;
    const headers = { 'content-type': 'application/jsonl' };
    await withDeadline(signal, uploadTimeoutSeconds, async (deadline) => {
      const call = { method: 'POST', headers, body: blob, signal: deadline } as const;
      await (await this.#calls.call('storage', path, call)).text();
    });
  }

  /**
   * @returns the URIs of the files of predictions in a job's output, which also holds others. Those that only their
   * siblings' names promise come last: one that is missing hides none that is there.
   */
  async predictions(directory: string, signal: AbortSignal): Promise<string[]> {
    const { bucket, object } = this.#placeOf(directory);
    const prefix = `${withoutEndSlashes(object)}/`;
    const objects = everyPage(
      async (pageToken) => {
        const query = new URLSearchParams({ prefix, ...(pageToken !== undefined && { pageToken }) });
        const path = `${objectsPath(bucket)}?${query}`;
        const list = await this.#calls.read('storage', path, `The list of ${directory}`, objectListSchema, signal);
        return { items: list.items, next: list.nextPageToken };
      },
      ({ name }) => name,
    );
    const listed = new Set<string>();
    for await (const { name } of objects)
      if (predictionFile.test(name.slice(prefix.length))) listed.add(`gs://${bucket}/${name}`);
    const promised = new Set<string>();
    for (const uri of listed) if (!promised.has(uri)) for (const each of siblingsOf(uri)) promised.add(each);
    return [...listed.union(promised)];
  }

  async *download(uri: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { bucket, object } = this.#placeOf(uri);
    const path = `${objectsPath(bucket)}/${encodeURIComponent(object)}?alt=media`;
    const response = await look(uri, signal, (deadline) => this.#calls.call('storage', path, { signal: deadline }));
    yield* verifiedDownload(response, uri);
  }

  /** A bare name is one of our own bucket. */
  #placeOf(uri: string): { bucket: string; object: string } {
    const [, bucket, object] = /^gs:\/\/([^/]+)\/(.*)$/.exec(uri) ?? [];
    const isUri = bucket !== undefined && object !== undefined;
    return isUri ? { bucket, object } : { bucket: this.#calls.config.bucket, object: uri };
  }
}

/** The files that a shard's name promises: one that the list leaves out is asked for as well, rather than missed. */
function siblingsOf(uri: string): string[] {
  const [name = '', count = '0', ending = ''] = shardName.exec(uri) ?? [];
  const stem = uri.slice(0, uri.length - name.length);
  return Array.from(
    { length: Number(count) },
    (_, index) => `${stem}-${String(index).padStart(count.length, '0')}-of-${count}${ending}`,
  );
}

function objectsPath(bucket: string): string {
  return `/storage/v1/b/${encodeURIComponent(bucket)}/o`;
}
