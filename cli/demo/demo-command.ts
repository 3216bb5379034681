import type { Command } from 'commander';
import { newCommand } from '../command.ts';

/** `batchdrop demo`: the whole path of the example files, with simulated providers. */
export function demoCommand(): Command {
  return newCommand('demo', {
    summary: 'Drop the example files into a stack of its own and show what comes back; no account, no key.',
    examples: [
      ['See it work', 'batchdrop demo'],
      ['See every provider answer', 'batchdrop demo --all-providers'],
      ['Look around in its stack afterwards', 'batchdrop demo --keep'],
    ],
  })
    .option('--all-providers', 'one file across every kind of provider there is, instead of the examples')
    .option('--keep', "keep the stack's folder")
    .option('--data-dir <folder>', "the stack's folder (default: a temporary one, removed at the end)")
    .option('--json', 'answer as one JSON document')
    .action(async (options) => {
      const run = options.allProviders
        ? (await import('./all-providers.ts')).demoAllProviders
        : (await import('./demo.ts')).demo;
      process.exitCode = await run(options);
    });
}
