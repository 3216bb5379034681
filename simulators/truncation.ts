import { open, stat } from 'node:fs/promises';
import type { TruncatedDownload } from './faults.ts';
import type { DownloadReply } from './http-server.ts';

const newline = 0x0a;

/** Where a truncated download of this file stops; a clean end is moved back to the end of a line. */
export async function truncationOf(fault: TruncatedDownload, path: string): Promise<DownloadReply['truncation']> {
  const { size } = await stat(path);
  const endByte = Math.min(Math.floor(size * (fault.fraction ?? 0.5)), Math.max(0, size - 1));
  if (fault.how === 'connection_cut') return { how: fault.how, endByte };
  return { how: fault.how, endByte: await lastLineEndBefore(path, endByte) };
}

async function lastLineEndBefore(path: string, endByte: number): Promise<number> {
  const file = await open(path);
  try {
    const blockBytes = 64 * 1024;
    for (let end = endByte; end > 0; end -= blockBytes) {
      const start = Math.max(0, end - blockBytes);
      const block = Buffer.alloc(end - start);
      await file.read(block, 0, block.length, start);
      const found = block.lastIndexOf(newline);
      if (found !== -1) return start + found + 1;
    }
    return 0;
  } finally {
    await file.close();
  }
}
