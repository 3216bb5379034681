import { withSpooledFile } from '../providers/shared/http/spooled-file.ts';
import type { CreatedBatch } from './batch.ts';
import type { CreationSteps } from './creation-steps.ts';
import { refusedError } from './provider/create-failure.ts';
import type { Submission } from './submission.ts';

/**
 * Creates a batch in one go. The final lines are gathered on disk first: nothing is sent before all of them are known to be
 * right. Once begun, a creation is waited for: broken off, nobody would know what became of it.
 */
export async function createBySteps(steps: CreationSteps, submission: Submission): Promise<CreatedBatch> {
  const { signal, idempotencyKey } = submission;
  const drafting = steps.draft(submission.input, submission);
  return await withSpooledFile(drafting.lines, signal, async (lines) => {
    const draft = await drafting.finish(lines);
    const upload = await steps.upload(draft, lines, signal);
    if (upload.outcome !== 'uploaded') throw refusedError(upload);
    signal.throwIfAborted();
    const { providerInputFileId: inputFileId } = upload;
    const creation = { draft, lines, inputFileId, startedAtMs: Date.now(), idempotencyKey };
    const batch = await steps.created(creation, await steps.create(creation));
    return { ...batch, warnings: drafting.warnings, warningCount: drafting.warningCount };
  });
}
