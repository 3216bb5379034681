import type { Command } from 'commander';
import { withLineFlags } from '../batch-flags.ts';
import { newCommand } from '../command.ts';

/** `batchdrop validate FILE`: everything that Prepare would say, said here. */
export function validateCommand(): Command {
  const command = newCommand('validate', {
    summary:
      'Check a file of requests on this machine: every error with its line, warnings, estimated tokens and cost.',
    notes:
      'Nothing is sent. The rules are those of a batch. Exit status: 0 valid, 1 some lines would become error lines,\n' +
      '2 a batch of this file would fail.',
    examples: [
      ['Check a file', 'batchdrop validate requests.jsonl'],
      ['Parameters that a provider cannot take are errors', 'batchdrop validate requests.jsonl --strict'],
      ['From a program', "generate | batchdrop validate - --json | jq '.findings[] | {line, code}'"],
    ],
  }).argument('<file>', 'requests, one JSON object per line; - for standard input');
  return withLineFlags(command)
    .option('--config <file>', 'the providers (default: batchdrop.config.json, else OpenAI and Anthropic)')
    .option('--json', 'answer as one JSON document')
    .action(async (file, options) => {
      const { validateFile } = await import('./validate-file.ts');
      process.exitCode = await validateFile(file, options);
    });
}
