import { createHash } from 'node:crypto';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import type OpenAI from 'openai';
import { recommendedPartBytes } from '../../../lib/records/upload.ts';
import { CommandError, exitStatus } from '../../exit-status.ts';
import type { InputFile } from '../input-file.ts';

const mimeType = 'application/jsonl';

/** Parts under way at a time: 16 MiB of memory, and a distant deployment's line is full. */
const partsUnderWay = 4;

/**
 * Uploads a file: small ones whole, larger ones in the parts that pass every gateway.
 *
 * @param name under which it is known there.
 * @param onProgress bytes that arrived so far.
 * @returns its id there.
 */
export async function uploadFile(
  sdk: OpenAI,
  file: InputFile,
  name: string,
  onProgress: (sentBytes: number) => void,
): Promise<string> {
  if (file.bytes > recommendedPartBytes) return uploadInParts(sdk, file, name, onProgress);
  const whole = new File([await readFile(file.path)], name, { type: mimeType });
  const { id } = await sdk.files.create({ file: whole, purpose: 'batch' });
  onProgress(file.bytes);
  return id;
}

async function uploadInParts(
  sdk: OpenAI,
  file: InputFile,
  name: string,
  onProgress: (sentBytes: number) => void,
): Promise<string> {
  const { id } = await sdk.uploads.create({ bytes: file.bytes, filename: name, mime_type: mimeType, purpose: 'batch' });
  try {
    const { partIds, md5 } = await sendParts(sdk, id, file, onProgress);
    const completed = await sdk.uploads.complete(id, { part_ids: partIds, md5 });
    if (completed.file) return completed.file.id;
    throw new CommandError(exitStatus.unreachable, 'The deployment completed the upload but named no file.');
  } catch (error) {
    await sdk.uploads.cancel(id).catch(() => undefined); // what is left behind expires in an hour
    throw error;
  }
}

/** Reads the parts in order, which the digest needs, and sends several at a time. */
async function sendParts(
  sdk: OpenAI,
  uploadId: string,
  file: InputFile,
  onProgress: (sentBytes: number) => void,
): Promise<{ partIds: string[]; md5: string }> {
  const hash = createHash('md5');
  const underWay: Promise<string>[] = [];
  const partIds: string[] = [];
  let sentBytes = 0;
  for await (const part of partsOf(file)) {
    hash.update(part);
    const sending = sdk.uploads.parts.create(uploadId, { data: new File([part], file.name) }).then(({ id }) => {
      sentBytes += part.length;
      onProgress(sentBytes);
      return id;
    });
    sending.catch(() => undefined); // awaited below; this only keeps it from counting as unhandled
    underWay.push(sending);
    if (underWay.length >= partsUnderWay) partIds.push((await underWay.shift()) ?? '');
  }
  return { partIds: [...partIds, ...(await Promise.all(underWay))], md5: hash.digest('hex') };
}

async function* partsOf(file: InputFile): AsyncGenerator<Buffer<ArrayBuffer>> {
  await using handle = await open(file.path);
  for (let start = 0; start < file.bytes; start += recommendedPartBytes)
    yield await readPart(handle, start, Math.min(recommendedPartBytes, file.bytes - start));
}

async function readPart(handle: FileHandle, start: number, length: number): Promise<Buffer<ArrayBuffer>> {
  const part = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(part, filled, length - filled, start + filled);
    if (bytesRead === 0) throw new CommandError(exitStatus.invalid, 'The file became shorter while it was uploaded.');
    filled += bytesRead;
  }
  return part;
}
