/** Letters that a name of this length may have wrong and still be meant. */
function allowedSlips(length: number): number {
  return length < 8 ? 1 : 2;
}

/** Words of people for what an option does, where all of them stand in a name. */
const synonyms: readonly { words: readonly (readonly string[])[]; option: string }[] = [
  {
    words: [
      ['cost', 'costs', 'budget', 'spend', 'price', 'usd', 'dollars'],
      ['max', 'maximum', 'limit', 'cap', 'usd', 'dollars'],
    ],
    option: 'max_cost_usd',
  },
  { words: [['dry'], ['run', 'mode', 'only']], option: 'dry_run' },
  {
    words: [
      ['max', 'maximum'],
      ['tries', 'retries', 'attempts'],
    ],
    option: 'max_attempts',
  },
  { words: [['deadline'], ['hours', 'h', 'seconds', 'minutes', 'at']], option: 'deadline_hours' },
];

/** What is an option's name whole, in people's words. */
const aliases: Readonly<Record<string, string>> = {
  cost: 'max_cost_usd',
  budget: 'max_cost_usd',
  dry: 'dry_run',
  deadline: 'deadline_hours',
  idempotency: 'idempotency_key',
};

/**
 * The option that a name was most likely meant to be. Names of other tools and of people's own (`mtime`, `cost-center`) are
 * none, so that what carries them goes on.
 *
 * @param options the names that there are, in snake_case.
 * @returns null for a name that has nothing to do with an option.
 */
export function optionMeantBy(name: string, options: readonly string[]): string | null {
  const words = wordsOf(name);
  const letters = words.join('').replace(/^batchdrop/, '');
  const alias = words.length === 1 && Object.hasOwn(aliases, letters) ? aliases[letters] : undefined;
  if (alias !== undefined) return alias;
  const near = options.find((option) => isNear(letters, option));
  if (near !== undefined) return near;
  const synonym = synonyms.find((one) => areAllIn(one.words, words));
  return synonym?.option ?? null;
}

/** @returns the one of the names that another was most likely meant to be: some letters of it are wrong. */
export function nearestName(name: string, names: readonly string[]): string | null {
  const letters = wordsOf(name).join('');
  return names.find((one) => isNear(letters, one)) ?? null;
}

/** `maxCostUSD`, `max-cost-usd` and `MAX_COST_USD` are the same words. */
function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}

/** An option of several words is recognised within a longer name, too. */
function isNear(letters: string, option: string): boolean {
  const meant = option.replaceAll('_', '');
  if (option.includes('_') && letters.includes(meant)) return true;
  return slipsBetween(letters, meant) <= allowedSlips(meant.length);
}

/** Whether each group has a word of its own in the name. */
function areAllIn(groups: readonly (readonly string[])[], words: readonly string[]): boolean {
  const left = new Set(words);
  return groups.every((group) => {
    const word = group.find((one) => left.has(one));
    return word !== undefined && left.delete(word);
  });
}

/** Letters added, left out, exchanged or swapped with their neighbour: the optimal string alignment distance. */
function slipsBetween(left: string, right: string): number {
  if (Math.abs(left.length - right.length) > allowedSlips(right.length)) return Number.POSITIVE_INFINITY;
  let before: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const isSame = left[row - 1] === right[column - 1];
      const isSwapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      const exchanged = at(last, column - 1) + (isSame ? 0 : 1);
      const swapped = isSwapped && row > 1 && column > 1 ? at(before, column - 2) + 1 : exchanged;
      next.push(Math.min(at(last, column) + 1, at(next, column - 1) + 1, exchanged, swapped));
    }
    [before, last] = [last, next];
  }
  return at(last, right.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
