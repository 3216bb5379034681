import { join } from 'node:path';
import { handle } from 'hono/aws-lambda';
import { createApi } from '../lib/api/app.ts';
import { type ConsoleFiles, readConsoleFiles } from '../lib/api/console/console-files.ts';
import { recommendedPartBytes } from '../lib/records/upload-limits.ts';
import { services } from './runtime.ts';

let consoleFiles: ConsoleFiles | undefined;

const app = createApi(services, {
  version: process.env.BATCHDROP_VERSION ?? 'unknown',
  // Lambda takes events of 6 MB: 4.5 MB before base64, of which the form and the headers need some.
  maxFileBytes: recommendedPartBytes + 128 * 1024,
  // An answer has 6 MB, of which base64 takes a quarter.
  maxContentBytes: recommendedPartBytes,
  maxIdleMs: 10_000,
  // The gateway gives up after 30 s.
  mergeBudgetMs: 15_000,
  consoleFiles: async () => {
    consoleFiles ??= readConsoleFiles(join(import.meta.dirname, 'console')); // they lie in the function's package
    return consoleFiles;
  },
});

export const handler = handle(app);
