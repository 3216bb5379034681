import { appendFileSync } from 'node:fs';
import type { Log } from '../lib/pipeline/services.ts';

/** Log lines as JSON in a file, so that the local runtime's terminal stays readable. */
export function fileLog(path: string): Log {
  const write = (level: string) => (message: string, data?: Record<string, unknown>) =>
    appendFileSync(path, `${JSON.stringify({ level, time: new Date().toISOString(), message, ...data })}\n`);
  return { info: write('INFO'), warn: write('WARN'), error: write('ERROR') };
}
