import type { Command } from 'commander';
import { newCommand } from '../command.ts';
import { printAnswer } from '../output/result.ts';
import type { TransportOptions } from '../transport/open-transport.ts';

/** `batchdrop console`: where to look at the batches in a browser. */
export function consoleCommand(): Command {
  return newCommand('console', {
    summary: 'Print the address of the console, the page to look at batches in a browser.',
    notes:
      'The address of a local stack signs in once, within 10 minutes. At a deployment the page asks for an API key.',
    examples: [
      ['Of the stack on this machine', 'batchdrop console'],
      ['Open it', 'xdg-open "$(batchdrop console)"'],
    ],
  })
    .optionsGroup('Where to (a local stack unless said otherwise):')
    .option('--url <url>', 'a deployment (BATCHDROP_URL)')
    .option('--api-key <key>', "the deployment's key (BATCHDROP_API_KEY, which others cannot see)")
    .optionsGroup('Output:')
    .option('--json', 'answer as one JSON document')
    .action(async (options: TransportOptions) => {
      const { findConsole } = await import('./find-console.ts');
      const found = await findConsole(options);
      printAnswer({ terminal: () => found.url, json: { url: found.url, signs_in: found.signsIn } }, options);
    });
}
