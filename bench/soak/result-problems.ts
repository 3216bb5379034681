import { z } from 'zod';
import type { BatchRecord } from '../../lib/records/batch.ts';
import type { Evidence } from './evidence.ts';
import type { PlannedDrop } from './planned-drop.ts';
import type { PlannedLine } from './planned-line.ts';

const resultSchema = z.object({ custom_id: z.string().nullable() });
const summarySchema = z.object({
  status: z.string(),
  request_counts: z.object({ total: z.number(), completed: z.number(), failed: z.number() }),
});

/** Result files by their lines. */
interface Results {
  output: string[];
  errors: string[];
  retry: string[];
}

/** What is wrong with the results of a batch that has ended: nothing, where every line was answered once and in order. */
export async function resultProblems(drop: PlannedDrop, batch: BatchRecord, evidence: Evidence): Promise<string[]> {
  const results: Results = {
    output: await evidence.linesOf(batch.id, 'output.jsonl'),
    errors: await evidence.linesOf(batch.id, 'errors.jsonl'),
    retry: await evidence.linesOf(batch.id, 'retry.jsonl'),
  };
  const problems = [...fateProblems(drop, batch), ...summaryProblems(batch, await evidence.summaryOf(batch.id))];
  if (batch.rounds.length === 0) return [...problems, ...emptyProblems(results)];
  return [...problems, ...lineProblems(drop.lines, results), ...countProblems(drop.lines, batch, results)];
}

/** Whatever was planned, a batch may be cancelled, and its deadline may come before its validation. */
function fateProblems(drop: PlannedDrop, batch: BatchRecord): string[] {
  const isTooLate = batch.errors.some((error) => error.code === 'batch_expired');
  if (batch.status === 'cancelled' || isTooLate) return [];
  const expected = { accepted: ['completed', 'expired'], refused_input: ['failed'], dry_run: ['completed'] }[drop.fate];
  if (!expected.includes(batch.status))
    return [`It was to be ${drop.fate} and is ${batch.status}: ${JSON.stringify(batch.errors[0] ?? null)}.`];
  if (drop.fate === 'accepted' && batch.rounds.length === 0) return ['It was accepted and has no rounds.'];
  return drop.fate === 'dry_run' && batch.rounds.length > 0 ? ['It is a dry run and has rounds.'] : [];
}

function summaryProblems(batch: BatchRecord, summary: unknown): string[] {
  const read = summarySchema.safeParse(summary);
  if (!read.success) return ['There is no summary.'];
  const said = JSON.stringify([read.data.status, read.data.request_counts]);
  const is = JSON.stringify([batch.status, batch.counts]);
  return said === is ? [] : [`The summary says ${said}, and the record ${is}.`];
}

function emptyProblems({ output, errors }: Results): string[] {
  return output.length + errors.length > 0 ? ['It has results although nothing was sent.'] : [];
}

function lineProblems(lines: readonly PlannedLine[], { output, errors, retry }: Results): string[] {
  const given = lines.map((line) => line.answeredAs);
  const answered = output.map(idOf);
  const failed = errors.map(idOf);
  const answeredSet = new Set(answered);
  const toRetry = lines.filter((line) => line.answeredAs === null || !answeredSet.has(line.answeredAs));
  const problems: string[] = [];
  if (!isSameList([...answered, ...failed].toSorted(), given.toSorted()))
    problems.push(`Its ids do not come back once each: ${describeDifference(given, [...answered, ...failed])}.`);
  if (!isInOrder(answered, given)) problems.push('Its output is not in the order of the input.');
  if (!isInOrder(failed, given)) problems.push('Its errors are not in the order of the input.');
  if (
    !isSameList(
      retry,
      toRetry.map((line) => line.text),
    )
  )
    problems.push('retry.jsonl is not what failed.');
  return problems;
}

function countProblems(lines: readonly PlannedLine[], batch: BatchRecord, { output, errors }: Results): string[] {
  const { total, completed, failed } = batch.counts;
  const isRight =
    total === lines.length &&
    completed === output.length &&
    failed <= errors.length &&
    (batch.status !== 'completed' || completed + failed === total);
  return isRight ? [] : [`Its counts are ${JSON.stringify(batch.counts)} of ${lines.length} lines.`];
}

function idOf(line: string): string | null {
  return resultSchema.parse(JSON.parse(line)).custom_id;
}

function isSameList(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((item, place) => item === right[place]);
}

/** Whether `part` is a subsequence of `whole`. */
function isInOrder(part: readonly unknown[], whole: readonly unknown[]): boolean {
  let place = 0;
  for (const item of whole) if (place < part.length && part[place] === item) place += 1;
  return place === part.length;
}

function describeDifference(given: readonly unknown[], found: readonly unknown[]): string {
  const count = (list: readonly unknown[], id: unknown) => list.filter((one) => one === id).length;
  const wrong = [...new Set([...given, ...found])].filter((id) => count(given, id) !== count(found, id));
  return wrong
    .slice(0, 5)
    .map((id) => `${id} ${count(found, id)} times`)
    .join(', ');
}
