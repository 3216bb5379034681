import { styleText } from 'node:util';
import type { Command } from 'commander';
import { newCommand } from '../command.ts';
import { parseWhole } from '../option-values.ts';
import { columns } from '../output/columns.ts';
import { printable } from '../output/printable.ts';
import { bytesText, timeText } from '../output/quantities.ts';
import { printAnswer } from '../output/result.ts';
import type { BatchState } from '../transport/batch-state.ts';
import { openTransport, type TransportOptions, withTransportFlags } from '../transport/open-transport.ts';
import type { StoredFile } from '../transport/transport.ts';

interface ListOptions extends TransportOptions {
  limit: number;
}

export function listCommand(): Command {
  const command = newCommand('list', {
    summary: 'List batches, newest first.',
    notes: 'In a pipe: handle, status, requests, answered, failed, created, separated by tabs.',
    examples: [
      ['The last twenty', 'batchdrop list'],
      ['What is under way', 'batchdrop list --limit 100 | awk \'$2 == "in_progress" {print $1}\''],
    ],
  }).option('--limit <count>', 'at most so many', parseWhole, 20);
  return withTransportFlags(command).action(async (options: ListOptions) => {
    const batches = await (await openTransport(options)).list(options.limit);
    printAnswer(
      {
        terminal: () => table(batchHeader, batches.map(batchCells), [2, 3, 4]) ?? 'There are no batches yet.',
        pipe: () => batches.map((batch) => batchCells(batch).join('\t')).join('\n'),
        json: batches.map(({ document }) => document),
      },
      options,
    );
  });
}

export function filesCommand(): Command {
  const command = newCommand('files', {
    summary: 'List the files of requests and results, newest first.',
    notes: 'In a pipe: id, purpose, bytes, created, name, separated by tabs.',
    examples: [['The last twenty', 'batchdrop files']],
  }).option('--limit <count>', 'at most so many', parseWhole, 20);
  return withTransportFlags(command).action(async (options: ListOptions) => {
    const files = await (await openTransport(options)).files(options.limit);
    printAnswer(
      {
        terminal: () => table(fileHeader, files.map(fileCells(bytesText)), [2]) ?? 'There are no files yet.',
        pipe: () => files.map((file) => fileCells(String)(file).join('\t')).join('\n'),
        json: files,
      },
      options,
    );
  });
}

const batchHeader = ['batch', 'status', 'requests', 'answered', 'failed', 'created'];
const fileHeader = ['file', 'purpose', 'size', 'created', 'name'];

function batchCells({ handle, status, counts, moments }: BatchState): string[] {
  const numbers = [counts.total, counts.completed, counts.failed].map(String);
  return [printable(handle), status, ...numbers, timeText(moments[0]?.at ?? 0)];
}

function fileCells(size: (bytes: number) => string): (file: StoredFile) => string[] {
  return ({ id, purpose, bytes, createdAt, filename }) => [
    id,
    purpose,
    size(bytes),
    timeText(createdAt),
    printable(filename),
  ];
}

/** @returns null where there is nothing to list. */
function table(header: readonly string[], rows: string[][], alignRight: readonly number[]): string | null {
  if (rows.length === 0) return null;
  const [first = '', ...rest] = columns([[...header], ...rows], alignRight);
  return [styleText('dim', first), ...rest].join('\n');
}
