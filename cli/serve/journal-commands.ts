import { Journal, type JournalCounts, ownerOf } from '../../lib/live/journal.ts';
import { journalFolder } from '../../lib/live/live-run.ts';
import { columns } from '../output/columns.ts';

interface PlaceOptions {
  run?: string;
  journal?: string;
  json?: boolean;
}

/** The run of a server without a command. */
export const usualRun = 'serve';

function placeOf({ run = usualRun, journal }: PlaceOptions): string {
  return journal ?? journalFolder(run);
}

/** Shows a run from its journal, whether somebody works on it or not. */
export function showStatus(options: PlaceOptions): void {
  const folder = placeOf(options);
  const journal = Journal.look(folder);
  const counts = journal.counts();
  const batches = journal.openBatches().map(({ id, step, requests, providerBatchId, problem }) => ({
    id,
    step,
    requests,
    provider_batch_id: providerBatchId,
    problem,
  }));
  const { spentUsd, liveUsd } = journal.costs();
  const owner = ownerOf(folder);
  if (options.json)
    console.log(JSON.stringify({ journal: folder, ...counts, spent_usd: spentUsd, live_usd: liveUsd, owner, batches }));
  else {
    console.log(statusLine(counts));
    for (const { step, requests, provider_batch_id, problem } of batches)
      console.log(
        `  ${provider_batch_id ?? '(not created yet)'}  ${step}  ${requests} requests${problem ? `  ${problem}` : ''}`,
      );
  }
  journal.close();
}

export function statusLine({ waiting, sent, answered, failed, unclaimed }: JournalCounts): string {
  const parts = [`${waiting} waiting`, `${sent} in batches`, `${answered} answered`, `${failed} failed`];
  const left = unclaimed === 0 ? '' : `; ${unclaimed} answers wait to be fetched: start the program again`;
  return `${parts.join(', ')}${left}`;
}

/** Prints answers that nobody has fetched, one JSON line each, or a table of them. */
export function printAnswers(options: PlaceOptions): void {
  const journal = Journal.look(placeOf(options));
  const all = [...journal.unclaimed()];
  journal.close();
  if (options.json)
    for (const { id, endpoint, takenAtMs, answeredAtMs, body } of all)
      console.log(
        `{"id":${id},"endpoint":"${endpoint}","taken_at":${Math.floor(takenAtMs / 1000)},"answered_at":${Math.floor(answeredAtMs / 1000)},"answer":${body.toString('utf8')}}`,
      );
  else if (all.length === 0) console.log('Every answer was fetched.');
  else {
    const rows = all.map(({ id, endpoint, answeredAtMs, body }) => [
      String(id),
      endpoint,
      new Date(answeredAtMs).toISOString(),
      `${body.length} bytes`,
    ]);
    for (const line of columns([['ID', 'ENDPOINT', 'ANSWERED', 'SIZE'], ...rows])) console.log(line);
    console.log('--json prints the answers themselves.');
  }
}
