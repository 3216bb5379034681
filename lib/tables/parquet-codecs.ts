import { brotliDecompressSync, unzipSync, zstdDecompressSync } from 'node:zlib';
import type { Compressors } from 'hyparquet';
import { compressors as portable } from 'hyparquet-compressors';

/** Node's own where it has one. None gives more than the page is to have. */
export const compressors: Compressors = {
  ...portable,
  GZIP: (input, maxOutputLength) => unzipSync(input, { maxOutputLength }),
  BROTLI: (input, maxOutputLength) => brotliDecompressSync(input, { maxOutputLength }),
  ZSTD: (input, maxOutputLength) => zstdDecompressSync(input, { maxOutputLength }),
};
