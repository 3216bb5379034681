import { open, stat } from 'node:fs/promises';
import type { TruncatedDownload } from './faults.ts';
import type { DownloadReply } from './http-server.ts';

const newline = 0x0a;

/** Where a truncated download of this file stops. */
export async function truncationOf(fault: TruncatedDownload, path: string): Promise<DownloadReply['truncation']> {
  const { size } = await stat(path);
  const endByte = Math.min(Math.floor(size * (fault.fraction ?? 0.5)), Math.max(0, size - 1));
  switch (fault.how) {
    case 'connection_cut':
      return { isClean: false, endByte };
    case 'clean_end':
      return { isClean: true, endByte: await lastLineEndBefore(path, endByte) };
    case 'inside_line':
      return { isClean: true, endByte: await placeInsideLine(path, endByte) };
    case 'empty':
      return { isClean: true, endByte: 0 };
  }
}

/** Right behind a line's end there is no line to be inside of. */
async function placeInsideLine(path: string, endByte: number): Promise<number> {
  return endByte === (await lastLineEndBefore(path, endByte)) ? endByte + 2 : endByte;
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
