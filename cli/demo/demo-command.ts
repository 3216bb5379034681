import type { Command } from 'commander';
import { newCommand } from '../command.ts';

/** `batchdrop demo`: the whole path of the example files, with simulated providers. */
export function demoCommand(): Command {
  return newCommand('demo', {
    summary: 'Drop the example files into a stack of its own and show what comes back; no account, no key.',
    examples: [
      ['See it work', 'batchdrop demo'],
      ['Look around in its stack afterwards', 'batchdrop demo --keep'],
    ],
  })
    .option('--keep', "keep the stack's folder")
    .option('--data-dir <folder>', "the stack's folder (default: a temporary one, removed at the end)")
    .option('--json', 'answer as one JSON document')
    .action(async (options) => {
      const { demo } = await import('./demo.ts');
      process.exitCode = await demo(options);
    });
}
