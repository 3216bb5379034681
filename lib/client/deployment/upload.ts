import { recommendedPartBytes } from '../../records/upload-limits.ts';
import { DeploymentReplyError } from './failures.ts';
import type { DeploymentHttp } from './http.ts';
import { type DeploymentFile, fileSchema, partSchema, uploadSchema } from './replies.ts';

/** A digest that is made of a file's bytes in their order. */
export interface Digest {
  update(bytes: Uint8Array): unknown;
  /** In hexadecimal. */
  digest(): string;
}

export interface UploadOptions {
  /** Under which the file is known there. */
  name: string;
  /** Lets the deployment compare what arrived; a browser has no MD5. */
  md5?: Digest;
  /** Called with the bytes that arrived so far. */
  onProgress?: (sentBytes: number) => void;
  signal?: AbortSignal | undefined;
}

const mimeType = 'application/jsonl';

/** Parts under way at a time: 16 MiB of memory, and a distant deployment's line is full. */
const partsUnderWay = 4;

/** Uploads a file: a small one whole, a larger one in the parts that pass every gateway. */
export async function uploadFile(http: DeploymentHttp, file: Blob, options: UploadOptions): Promise<DeploymentFile> {
  if (file.size > recommendedPartBytes) return await uploadInParts(http, file, options);
  const form = new FormData();
  form.append('purpose', 'batch');
  form.append('file', new File([file], options.name, { type: mimeType }));
  const stored = await http.read(fileSchema, { method: 'POST', path: '/files', body: form, signal: options.signal });
  options.onProgress?.(file.size);
  return stored;
}

/** An upload that fails is cancelled, so that nothing of it stays behind. */
async function uploadInParts(http: DeploymentHttp, file: Blob, options: UploadOptions): Promise<DeploymentFile> {
  const { signal, name } = options;
  const body = { bytes: file.size, filename: name, mime_type: mimeType, purpose: 'batch' };
  const { id } = await http.read(uploadSchema, { method: 'POST', path: '/uploads', body, signal });
  const path = `/uploads/${encodeURIComponent(id)}`;
  try {
    const partIds = await new PartSender(http, `${path}/parts`, options).send(file);
    const completion = { part_ids: partIds, ...(options.md5 && { md5: options.md5.digest() }) };
    const upload = { method: 'POST', path: `${path}/complete`, body: completion, signal } as const;
    const { file: stored } = await http.read(uploadSchema, upload);
    if (stored) return stored;
    throw new DeploymentReplyError('The deployment completed the upload but named no file.');
  } catch (error) {
    // Without the caller's signal, which may be why it ends. What cannot be cancelled expires in an hour.
    await http.read(uploadSchema, { method: 'POST', path: `${path}/cancel` }).catch(() => undefined);
    throw error;
  }
}

/** Reads the parts of a file in order, which the digest needs, and sends several at a time. */
class PartSender {
  readonly #http: DeploymentHttp;
  readonly #path: string;
  readonly #options: UploadOptions;
  readonly #failed = new AbortController();
  readonly #signal: AbortSignal;
  #sentBytes = 0;

  constructor(http: DeploymentHttp, path: string, options: UploadOptions) {
    this.#http = http;
    this.#path = path;
    this.#options = options;
    const { signal } = options;
    this.#signal = signal ? AbortSignal.any([signal, this.#failed.signal]) : this.#failed.signal;
  }

  /**
   * Sends all parts. After the first one that fails no other is begun, and those under way are broken off.
   *
   * @returns their ids, in the order of the file.
   */
  async send(file: Blob): Promise<string[]> {
    const partIds: Promise<string>[] = [];
    const underWay = new Set<Promise<string>>();
    try {
      for (let start = 0; start < file.size; start += recommendedPartBytes) {
        const part = await file.slice(start, start + recommendedPartBytes).arrayBuffer();
        this.#options.md5?.update(new Uint8Array(part));
        const sending = this.#sendPart(part);
        partIds.push(sending);
        underWay.add(sending);
        sending.then(
          () => underWay.delete(sending),
          () => undefined,
        );
        if (underWay.size >= partsUnderWay) await Promise.race(underWay);
      }
      return await Promise.all(partIds);
    } catch (error) {
      this.#failed.abort(error);
      await Promise.allSettled(underWay);
      throw error;
    }
  }

  async #sendPart(part: ArrayBuffer): Promise<string> {
    const body = new FormData();
    body.append('data', new File([new Uint8Array(part)], this.#options.name));
    const { id } = await this.#http.read(partSchema, {
      method: 'POST',
      path: this.#path,
      body,
      signal: this.#signal,
    });
    this.#sentBytes += part.byteLength;
    this.#options.onProgress?.(this.#sentBytes);
    return id;
  }
}
