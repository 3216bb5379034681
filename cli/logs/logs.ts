import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { deploymentNameOf } from '../../lib/records/deployment-settings.ts';
import { logLinesOf } from '../../lib/store/function-logs.ts';
import { hint } from '../called-as.ts';
import { CommandError, exitStatus } from '../exit-status.ts';
import { printable } from '../output/printable.ts';
import { note, type OutputOptions, printAnswer } from '../output/result.ts';
import { findReady } from '../transport/local-stack.ts';
import { openTransport } from '../transport/open-transport.ts';

export interface LogsOptions extends OutputOptions {
  days: number;
}

/** A line as our functions write it, on AWS with `timestamp`, locally with `time`. */
const lineSchema = z.looseObject({
  timestamp: z.string().optional(),
  time: z.string().optional(),
  level: z.string().default(''),
  message: z.string(),
  batchId: z.string(),
});

/** What every line says, or says elsewhere. */
const leftOut = new Set(
  'timestamp time level message batchId service cold_start function_arn function_memory_size function_name function_request_id xray_trace_id sampling_rate'.split(
    ' ',
  ),
);

export async function printLogs(id: string, options: LogsOptions): Promise<void> {
  const batchId = wholeId.test(id) ? id : await idOf(id);
  const lines = (await rawLines(batchId, options.days)).flatMap((text) => parseLines(text, batchId));
  const ordered = lines.toSorted((left, right) => timeOf(left).localeCompare(timeOf(right)));
  if (ordered.length === 0) note(`No line of ${options.days} days names ${batchId}.`, options);
  printAnswer({ terminal: () => ordered.map(lineText).join('\n'), json: { lines: ordered } }, options);
}

const wholeId = /^batch_[0-9a-f]{32}$/;

/** Log lines know batches by their whole ids; the name of a file or the beginning of an id is looked up first. */
async function idOf(handle: string): Promise<string> {
  const transport = await openTransport({});
  const { id } = await transport.find(handle);
  if (id !== null) return id;
  throw new CommandError(exitStatus.invalid, `'${handle}' was refused before it became a batch, so no step logged it.`);
}

async function rawLines(batchId: string, days: number): Promise<string[]> {
  const arn = process.env.BATCHDROP_STATE_MACHINE_ARN;
  if (arn) {
    if (process.env.AWS_DEFAULT_REGION) process.env.AWS_REGION ??= process.env.AWS_DEFAULT_REGION;
    return logLinesOf(deploymentNameOf(arn), batchId, Date.now() - days * 86_400_000);
  }
  const ready = findReady();
  if (ready) return readFileSync(join(ready.dataDir, 'batchdrop.log'), 'utf8').split('\n');
  throw new CommandError(
    exitStatus.unreachable,
    `No local stack runs in this folder: start one with ${hint('start')}, or name a deployment by BATCHDROP_STATE_MACHINE_ARN.`,
  );
}

/** Other lines, such as those that a platform adds, are no story of a batch. */
function parseLines(text: string, batchId: string): z.infer<typeof lineSchema>[] {
  if (!text.includes(batchId)) return [];
  const line = lineSchema.safeParse(jsonOf(text)).data;
  return line?.batchId === batchId ? [line] : [];
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function timeOf({ timestamp, time }: z.infer<typeof lineSchema>): string {
  return timestamp ?? time ?? '';
}

function lineText(line: z.infer<typeof lineSchema>): string {
  const more = Object.entries(line)
    .filter(([name]) => !leftOut.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return printable([timeOf(line), line.level.padEnd(5), line.message, ...more].join(' '));
}
