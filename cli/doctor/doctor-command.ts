import type { Command } from 'commander';
import { newCommand } from '../command.ts';

/** `batchdrop doctor`: is everything there, and if not, what to do. */
export function doctorCommand(): Command {
  return newCommand('doctor', {
    summary: 'Check a deployment, or the local stack: keys, bucket, table, event wiring, quotas; and say what to do.',
    notes:
      'A deployment is BATCHDROP_BUCKET, BATCHDROP_TABLE and BATCHDROP_STATE_MACHINE_ARN, the outputs of its stack.\n' +
      'Nothing is changed and nothing costs. Exit status: 0 all is well or could be better, 1 something is broken.',
    examples: [
      ['The local stack of this folder', 'batchdrop doctor'],
      ['A deployment', 'BATCHDROP_BUCKET=... BATCHDROP_TABLE=... BATCHDROP_STATE_MACHINE_ARN=... batchdrop doctor'],
    ],
  })
    .option('--config <file>', 'its configuration (default: batchdrop.config.json)')
    .option('--json', 'answer as one JSON document')
    .action(async (options) => {
      const { doctor } = await import('./doctor.ts');
      process.exitCode = await doctor(options);
    });
}
