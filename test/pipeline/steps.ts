import { collect as runCollect } from '../../lib/pipeline/collect/collect.ts';
import { finalize as runFinalize } from '../../lib/pipeline/finalize/finalize.ts';
import { intake as runIntake } from '../../lib/pipeline/intake/intake.ts';
import { poll as runPoll } from '../../lib/pipeline/poll/poll.ts';
import { prepare as runPrepare } from '../../lib/pipeline/prepare/prepare.ts';
import { submit as runSubmit } from '../../lib/pipeline/submit/submit.ts';
import { resumeBatchOfJob as runResumeBatchOfJob } from '../../lib/pipeline/upkeep/bedrock-job-event.ts';
import { sweep as runSweep } from '../../lib/pipeline/upkeep/sweep.ts';
import type { FunctionName } from '../../lib/records/function-timeouts.ts';
import { cancelBatch as runCancelBatch } from '../../lib/service/cancel-batch.ts';
import { as } from '../policies/caller.ts';

// What each function of the stack runs, with that function's rights.

export const intake = runAs('intake', runIntake);
export const prepare = runAs('prepare', runPrepare);
export const submit = runAs('submit', runSubmit);
export const poll = runAs('poll', runPoll);
export const collect = runAs('collect', runCollect);
export const finalize = runAs('finalize', runFinalize);
export const sweep = runAs('sweep', runSweep);
export const resumeBatchOfJob = runAs('sweep', runResumeBatchOfJob);
export const cancelBatch = runAs('api', runCancelBatch);

function runAs<Of extends unknown[], Answer>(name: FunctionName, run: (...of: Of) => Answer): (...of: Of) => Answer {
  return (...of) => as(name, () => run(...of));
}
