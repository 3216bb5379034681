import { type ExitStatus, exitStatus } from '../exit-status.ts';
import { reportFailure } from '../failure.ts';
import { type CommandAnswer, type OutputOptions, printAnswer } from '../output/result.ts';

/** What a command takes to name batches. */
export const idsText = "ids of batches, the beginning of one, or names of their files; 'list' shows them";

/** What a command says of one batch. */
export interface BatchAnswer {
  answer: CommandAnswer;
  /** In place of the answer's own forms where several batches are told of: a line. */
  brief: Omit<CommandAnswer, 'json'>;
  status: ExitStatus;
}

/** The ids that were typed, each once. */
export function unique(ids: readonly string[]): string[] {
  return [...new Set(ids)];
}

/**
 * Answers for each of the batches that were named. One is told of at length, several have a line each; as JSON several are a list.
 * What fails for one of several is said, and the others are done all the same.
 */
export async function answerEach<Item>(
  items: readonly Item[],
  options: OutputOptions,
  ask: (item: Item) => Promise<BatchAnswer>,
): Promise<void> {
  const isOneOfMany = items.length > 1;
  const statuses: ExitStatus[] = [];
  const documents: unknown[] = [];
  for (const item of items) {
    const outcome = isOneOfMany ? await settle(() => ask(item)) : { value: await ask(item) };
    if ('error' in outcome) {
      statuses.push(await reportFailure(outcome.error, options.json));
      continue;
    }
    const { answer, brief, status } = outcome.value;
    statuses.push(status);
    documents.push(answer.json);
    if (!options.json) printAnswer(isOneOfMany ? { ...brief, json: null } : answer, options);
  }
  if (options.json) printAnswer({ terminal: () => '', json: isOneOfMany ? documents : documents[0] }, options);
  process.exitCode = worstStatus(statuses);
}

/** What became of one of several. */
export type Outcome<Value> = { value: Value } | { error: unknown };

export async function settle<Value>(work: () => Promise<Value>): Promise<Outcome<Value>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error };
  }
}

/** Of several the one that most needs somebody, last. */
const bySeverity: readonly ExitStatus[] = [
  exitStatus.succeeded,
  exitStatus.someFailed,
  exitStatus.timeout,
  exitStatus.batchFailed,
  exitStatus.invalid,
  exitStatus.unreachable,
  exitStatus.unexpected,
  exitStatus.interrupted,
];

export function worstStatus(statuses: readonly ExitStatus[]): ExitStatus {
  const worst = Math.max(0, ...statuses.map((status) => bySeverity.indexOf(status)));
  return bySeverity[worst] ?? exitStatus.unexpected;
}
