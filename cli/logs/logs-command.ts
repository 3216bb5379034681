import { type Command, InvalidArgumentError } from 'commander';
import { newCommand } from '../command.ts';
import { importing } from '../missing-package.ts';

/** `batchdrop logs`: what the steps of one batch said, in the order of time. */
export function logsCommand(): Command {
  return newCommand('logs', {
    summary: "Print a batch's story: what each of its steps logged, oldest first.",
    notes:
      'A deployment is BATCHDROP_STATE_MACHINE_ARN, the output StateMachine of its stack, with AWS credentials; without it\n' +
      'the local stack of this folder. A name or the beginning of an id is looked up through BATCHDROP_URL or\n' +
      'BATCHDROP_BUCKET. Log lines hold ids, counts and error texts, never requests, answers or keys.',
    examples: [
      ['On the local stack', 'batchdrop logs batch_0123'],
      ['On a deployment, of a month', 'BATCHDROP_STATE_MACHINE_ARN=... batchdrop logs batch_0123 --days 30'],
    ],
  })
    .argument('<id>', "the batch's id or its beginning, or the name of its file")
    .option('--days <n>', 'how far back to look', days, 7)
    .option('--json', 'answer as one JSON document')
    .action(async (batchId, options) => {
      const load = () => import('./logs.ts');
      const { printLogs } = await importing(['@aws-sdk/client-cloudwatch-logs'], load);
      await printLogs(batchId, options);
    });
}

function days(text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new InvalidArgumentError('It is a number of days above 0.');
}
