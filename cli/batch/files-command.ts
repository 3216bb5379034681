import type { Command } from 'commander';
import { newCommand } from '../command.ts';
import { parseCount } from '../option-values.ts';
import { printable } from '../output/printable.ts';
import { ageText, bytesText, isoTime } from '../output/quantities.ts';
import { printAnswer } from '../output/result.ts';
import { type Column, outputWidth, table } from '../output/table.ts';
import { openTransport, type TransportOptions, withTransportFlags } from '../transport/open-transport.ts';
import type { StoredFile } from '../transport/transport.ts';

interface FilesOptions extends TransportOptions {
  limit: number;
}

export function filesCommand(): Command {
  const command = newCommand('files', {
    summary: 'List the files of requests and results, newest first.',
    notes: 'In a pipe: id, purpose, bytes, created, name, separated by tabs.',
    examples: [['The last twenty', 'batchdrop files']],
  }).option('--limit <count>', 'at most so many', parseCount, 20);
  return withTransportFlags(command).action(async (options: FilesOptions) => {
    const files = await (await openTransport(options)).files(options.limit);
    printAnswer(
      {
        terminal: () => fileTable(files),
        pipe: () => files.map((file) => fileCells(file).join('\t')).join('\n'),
        json: files,
      },
      options,
    );
  });
}

const fileColumns: readonly Column<StoredFile>[] = [
  { title: 'file', cell: ({ id }) => id },
  { title: 'purpose', cell: ({ purpose }) => purpose, dropOrder: 1 },
  { title: 'size', cell: ({ bytes }) => bytesText(bytes), isNumber: true },
  { title: 'age', cell: ({ createdAt }) => ageText(Date.now() / 1_000 - createdAt), isNumber: true },
  { title: 'name', cell: ({ filename }) => printable(filename), minWidth: 12 },
];

function fileTable(files: readonly StoredFile[]): string {
  return files.length === 0 ? 'There are no files yet.' : table(files, fileColumns, outputWidth()).join('\n');
}

function fileCells({ id, purpose, bytes, createdAt, filename }: StoredFile): string[] {
  return [id, purpose, String(bytes), isoTime(createdAt), printable(filename)];
}
