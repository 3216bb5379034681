import { z } from 'zod';

const identified = z.object({ custom_id: z.string() });

/**
 * Checks what a batch gave against what went in: each custom_id exactly once over output and errors, and both files in
 * the order of the input.
 *
 * @param input lines without line endings, and so are the others.
 * @returns a sentence for each violation; none where all is well.
 */
export function findResultProblems(
  input: readonly string[],
  output: readonly string[],
  errors: readonly string[],
): string[] {
  const places = new Map(idsOf(input).map((id, place) => [id, place]));
  const outputIds = idsOf(output);
  const errorIds = idsOf(errors);
  return [
    ...countProblems([...places.keys()], [...outputIds, ...errorIds]),
    ...orderProblems('output', outputIds, places),
    ...orderProblems('errors', errorIds, places),
  ];
}

function idsOf(lines: readonly string[]): string[] {
  return lines.map((line) => identified.parse(JSON.parse(line)).custom_id);
}

function countProblems(expected: readonly string[], found: readonly string[]): string[] {
  const times = new Map(expected.map((id) => [id, 0]));
  for (const id of found) times.set(id, (times.get(id) ?? 0) + 1);
  const known = new Set(expected);
  const wrong = [...times].filter(([id, count]) => count !== 1 || !known.has(id));
  return wrong.map(([id, count]) =>
    known.has(id) ? `${id} came back ${count} times.` : `${id} came back but was never sent.`,
  );
}

function orderProblems(name: string, ids: readonly string[], places: ReadonlyMap<string, number>): string[] {
  const order = ids.map((id) => places.get(id) ?? -1);
  const isAscending = order.every((place, index) => index === 0 || place > (order[index - 1] ?? -1));
  return isAscending ? [] : [`The lines of the ${name} file are not in the order of the input.`];
}
