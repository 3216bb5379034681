import { Journal, type JournalCounts, ownerOf, type UnclaimedAnswer } from '../../lib/live/journal.ts';
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
  if (options.json) for (const answer of journal.unclaimed()) console.log(answerText(answer));
  else printList(journal);
  journal.close();
}

function answerText({ id, endpoint, takenAtMs, answeredAtMs, body }: UnclaimedAnswer): string {
  const seconds = (milliseconds: number) => Math.floor(milliseconds / 1000);
  return `{"id":${id},"endpoint":"${endpoint}","taken_at":${seconds(takenAtMs)},"answered_at":${seconds(answeredAtMs)},"answer":${body.toString('utf8')}}`;
}

/** One answer at a time is in memory. */
function printList(journal: Journal): void {
  const rows = journal
    .unclaimed()
    .map(({ id, endpoint, answeredAtMs, body }) => [
      String(id),
      endpoint,
      new Date(answeredAtMs).toISOString(),
      `${body.length} bytes`,
    ])
    .toArray();
  if (rows.length === 0) {
    console.log('Every answer was fetched.');
    return;
  }
  for (const line of columns([['ID', 'ENDPOINT', 'ANSWERED', 'SIZE'], ...rows])) console.log(line);
  console.log('--json prints the answers themselves.');
}
