import type { Command } from 'commander';
import { Argument } from 'commander';
import { newCommand } from '../command.ts';
import { bashScript } from './bash-script.ts';
import { describeCommands } from './command-tree.ts';
import { fishScript } from './fish-script.ts';
import { zshScript } from './zsh-script.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** @param program makes the whole command line; asked when the command runs. */
export function completionCommand(program: () => Promise<Command>): Command {
  return newCommand('completion', {
    summary: 'Print what makes a shell complete commands, flags and their values.',
    examples: [
      ['bash, in ~/.bashrc', 'source <(batchdrop completion bash)'],
      ['zsh, in ~/.zshrc after compinit', 'source <(batchdrop completion zsh)'],
      ['fish', 'batchdrop completion fish > ~/.config/fish/completions/batchdrop.fish'],
    ],
  })
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .action(async (shell: Shell) => {
      process.stdout.write(scriptFor(shell, await program()));
    });
}

function scriptFor(shell: Shell, program: Command): string {
  const commands = describeCommands(program);
  switch (shell) {
    case 'bash':
      return bashScript(commands);
    case 'zsh':
      return zshScript(commands);
    case 'fish':
      return fishScript(commands);
  }
}
