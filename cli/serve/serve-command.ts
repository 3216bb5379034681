import { type Command, Option } from 'commander';
import { newCommand } from '../command.ts';
import { parseCount, parseDuration, parsePositive } from '../option-values.ts';
import { parsePort } from '../start/port.ts';

/** A port that stays the same, next to those of the stack. */
export const usualServePort = 8702;

/** `batchdrop serve`: live calls of any program at the price of batches. */
export function serveCommand(): Command {
  const command = newCommand('serve', {
    summary: 'Answer live calls of OpenAI and Anthropic clients by batches, at half price.',
    examples: [
      ['Run a program whose calls are gathered', 'batchdrop serve -- python eval.py'],
      ['Serve whoever sets OPENAI_BASE_URL or ANTHROPIC_BASE_URL', 'batchdrop serve'],
      ['Send straight to a provider', 'OPENAI_API_KEY=... batchdrop serve --provider openai -- node label.js'],
      [
        'See what it is at, and what nobody has fetched',
        'batchdrop serve status && batchdrop serve answers --unclaimed',
      ],
    ],
    notes:
      'Answers take minutes to hours. Every call is written down first: a program or a server that is stopped and started\n' +
      'again goes on where it was, and nothing is paid for twice. docs/live-calls.md says how long each client waits.',
  })
    .argument('[command...]', 'a program to run, with its base URLs set to this server')
    .passThroughOptions()
    .option('--provider <name>', 'send straight to a provider, with its own key (OPENAI_API_KEY and so on)')
    .option('--url <url>', 'a deployment (default: BATCHDROP_URL, else the local stack)')
    .option('--api-key <key>', "the target's key (default: BATCHDROP_API_KEY, or the provider's variable)")
    .option('--port <port>', `port on this machine (default: ${usualServePort}; a free one with a command)`, parsePort)
    .option('--run <name>', 'what this is: its journal is taken up again (default: the command, or serve)')
    .option('--journal <folder>', 'where calls and answers are kept (default: .batchdrop/live/<run>)')
    .option('--gather <time>', 'how long nothing may come before a batch goes (default: 5s)', parseDuration)
    .option('--max-gather <time>', 'how long the first call of a batch waits at most (default: 60s)', parseDuration)
    .option('--max-batch-requests <count>', 'requests of one batch at most', parseCount)
    .option('--max-attempts <times>', 'how often a request may be sent (default: 3)', parseCount)
    .option(
      '--hold <time>',
      'keep every caller so long (default: as long as its client was measured to wait)',
      parseDuration,
    )
    .option('--poll <time>', 'between two looks at a batch (default: a tenth of its age, up to 60s)', parseDuration)
    .addOption(
      new Option('--interim <which>', 'interim responses that keep callers waiting')
        .choices(['auto', 'none'])
        .default('auto'),
    )
    .option('--max-cost-usd <dollars>', 'refuse calls beyond what the run may cost', parsePositive)
    .option('--allow-live', 'make calls live that no batch can hold, at full price (with --provider)')
    .option('--pass-through', 'pass every other call on to the provider, at its price (with --provider)')
    .option('--ready-file <file>', 'write url and pid as JSON once it answers')
    .option('--json', 'report as lines of JSON')
    .action(async (words: string[], options) => {
      const { serve } = await import('./serve.ts');
      await serve(words, options);
    });
  command.addCommand(statusCommand()).addCommand(answersCommand());
  return command;
}

function statusCommand(): Command {
  return withPlace(newCommand('status', { summary: 'Show what a run of live calls is at.' })).action(
    async (options) => {
      const { showStatus } = await import('./journal-commands.ts');
      showStatus(options);
    },
  );
}

function answersCommand(): Command {
  return withPlace(newCommand('answers', { summary: 'Print the answers that came and that nobody has fetched.' }))
    .requiredOption('--unclaimed', 'those that nobody has fetched')
    .action(async (options) => {
      const { printAnswers } = await import('./journal-commands.ts');
      printAnswers(options);
    });
}

function withPlace(command: Command): Command {
  return command
    .option('--run <name>', 'which run (default: serve)')
    .option('--journal <folder>', 'where it is (default: .batchdrop/live/<run>)')
    .option('--json', 'answer in JSON');
}
