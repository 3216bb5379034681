import { Command } from 'commander';
import { demoCommand } from './demo/demo-command.ts';
import { reportFailure } from './failure.ts';
import { startCommand } from './start-command.ts';

const program = new Command('batchdrop')
  .description('Runs large numbers of LLM requests through the batch APIs of their providers.')
  .addCommand(startCommand())
  .addCommand(demoCommand());

try {
  await program.parseAsync();
} catch (error) {
  reportFailure(error);
  process.exit(1);
}
