import { grantsOf, type PolicyBook } from './statement.ts';

interface UndrivenGrants {
  /** Of the function, or `*`. */
  name: string;
  /** Or the beginning of several, with `*`. */
  action: string;
  /** A part of it. */
  resource: string;
  because: string;
}

/** Grants that nothing here can use, or that only a rare moment uses, each with its reason: a full run does without them. */
export const undriven: UndrivenGrants[] = [
  { name: '*', action: 'logs:*', resource: '', because: 'Lambda writes a function’s log' },
  { name: '*', action: 'xray:*', resource: '', because: 'Lambda’s daemon sends the traces' },
  { name: '*', action: 'sqs:*', resource: '', because: 'Lambda sends what a function could not take' },
  {
    name: '*',
    action: 's3:AbortMultipartUpload',
    resource: '',
    because: 'only a large write that breaks off needs it',
  },
  ...['submit', 'poll', 'collect', 'finalize'].map((name) => ({
    name: `batchdrop-${name}`,
    action: 's3:ListBucket',
    resource: '',
    because: 'it makes S3 answer 404 for an object that is missing',
  })),
  { name: '*', action: 'kms:*', resource: '', because: 'S3 asks KMS, in the name of whoever reads or writes' },
  { name: '*', action: 's3:GetObject', resource: ':::a-bucket-of-theirs/', because: 'there is one bucket here' },
  {
    name: 'batchdrop-submit',
    action: 'bedrock:StopModelInvocationJob',
    resource: '',
    because: 'only a lost job that is found after its batch was closed needs it',
  },
  {
    name: '*',
    action: 's3:GetObject',
    resource: '/own/',
    because:
      'it lets API clients name objects below their own folder as input; batches from the prefix /data/ use the same grant, and none here is made from a tenant’s folder',
  },
  {
    name: '*',
    action: 'bedrock:*',
    resource: 'application-inference-profile',
    because: 'models are named by profiles of AWS here',
  },
];

/** @returns why no test uses a grant; null where tests must. */
export function reasonUndriven(grant: { name: string; action: string; resource: string }): string | null {
  return undriven.find((entry) => isMeant(entry, grant))?.because ?? null;
}

/**
 * @param policiesText the books of all stacks.
 * @param usedText a line for each grant that a worker saw used.
 * @returns what is granted, is not listed here, and was never used.
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
  const unused = granted.filter(
    (grant) => reasonUndriven(grant) === null && !used.has(keyOf(grant.name, grant.action, grant.resource)),
  );
  const findings = unused.map(({ name, action, resource }) => `${name} never used ${action} on ${resource}`);
  return [...new Set(findings)].toSorted();
}

/** All secrets count as one: which of them a test has is its own affair. */
function keyOf(name: string, action: string, resource: string): string {
  return [name, action, action.startsWith('secretsmanager:') ? 'secrets' : resource].join(' ');
}

export function isMeant(entry: UndrivenGrants, grant: { name: string; action: string; resource: string }): boolean {
  const isAction = entry.action.endsWith('*')
    ? grant.action.startsWith(entry.action.slice(0, -1))
    : grant.action === entry.action;
  return isAction && [grant.name, '*'].includes(entry.name) && grant.resource.includes(entry.resource);
}
