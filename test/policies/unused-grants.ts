import { grantsOf, type PolicyBook } from './statement.ts';

/** Grants that nothing here can use, each with its reason: function (or `*`), action, and a part of the resource. */
const undriven: { name: string; action: string; resource: string; because: string }[] = [
  { name: '*', action: 'logs:*', resource: '', because: 'Lambda writes a function’s log.' },
  { name: '*', action: 'xray:*', resource: '', because: 'Lambda’s daemon sends the traces.' },
  { name: '*', action: 'sqs:*', resource: '', because: 'Lambda sends what a function could not take.' },
  { name: '*', action: 'bedrock:*', resource: '', because: 'The simulator of Bedrock asks for no rights.' },
  { name: '*', action: 'iam:PassRole', resource: '', because: 'Bedrock alone asks for it.' },
];

/**
 * @param policiesText the books of all stacks.
 * @param usedText a line for each grant that a worker saw used.
 * @returns what is granted and was never used, and what is listed here without need.
 */
export function unusedGrants(policiesText: string, usedText: string): string[] {
  const books: Record<string, PolicyBook> = JSON.parse(policiesText);
  const lines = usedText.split('\n').filter((line) => line !== '');
  const used = new Set(
    lines.map((line): string => keyOf(...(JSON.parse(line).grant.slice(1) as [string, string, string]))),
  );
  const granted = Object.values(books).flatMap((book) =>
    Object.entries(book).flatMap(([name, statements]) =>
      grantsOf(statements).map(({ action, resource }) => ({ name, action, resource })),
    ),
  );
  const unused = granted.filter(({ name, action, resource }) => !used.has(keyOf(name, action, resource)));
  const listed = undriven.filter((entry) => !unused.some((grant) => isMeant(entry, grant)));
  return [
    ...new Set(
      unused
        .filter((grant) => !undriven.some((entry) => isMeant(entry, grant)))
        .map(({ name, action, resource }) => `${name} never used ${action} on ${resource}`),
    ),
    ...listed.map(({ name, action, resource }) => `${name} ${action} ${resource} is listed as undriven, but is used`),
  ].toSorted();
}

/** All secrets count as one: which of them a test has is its own affair. */
function keyOf(name: string, action: string, resource: string): string {
  return [name, action, action.startsWith('secretsmanager:') ? 'secrets' : resource].join(' ');
}

function isMeant(entry: (typeof undriven)[number], grant: { name: string; action: string; resource: string }): boolean {
  const isAction = entry.action.endsWith('*')
    ? grant.action.startsWith(entry.action.slice(0, -1))
    : grant.action === entry.action;
  return isAction && [grant.name, '*'].includes(entry.name) && grant.resource.includes(entry.resource);
}
