import type { Command } from 'commander';
import { withLineFlags, withRowFlags } from '../batch-flags.ts';
import { newCommand } from '../command.ts';
import { parseWhole } from '../option-values.ts';

/** `batchdrop preview FILE --template T`: what would be sent for a table. */
export function previewCommand(): Command {
  const command = newCommand('preview', {
    summary: 'Show what would be sent for a table: its first requests, tokens and cost, and columns that are not used.',
    notes:
      'Nothing is sent. Exit status: 0 all rows become requests, 1 some rows would become error lines, 2 a batch of this\n' +
      'table would fail.',
    examples: [
      ['The first three requests, and the cost of all', 'batchdrop preview reviews.csv --template label.json'],
      ['For a program', "batchdrop preview reviews.csv --template label.json --json | jq '.requests[0]'"],
    ],
  }).argument('<file>', 'a table: *.csv, *.tsv, *.ndjson or *.rows.jsonl');
  return withLineFlags(withRowFlags(command))
    .option('--rows <count>', 'requests to show (default: 3)', parseWhole)
    .option('--config <file>', 'the providers (default: batchdrop.config.json, else OpenAI and Anthropic)')
    .option('--json', 'answer as one JSON document')
    .action(async (file, options) => {
      const { previewTable } = await import('./preview-table.ts');
      process.exitCode = await previewTable(file, options);
    });
}
