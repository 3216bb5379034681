import { functionNames } from '../cdk/packages.ts';
import { actionOfCall, awsCallsOf } from '../test/cdk/aws-calls.ts';
import type { PolicyBooks } from '../test/policies/policy-books.ts';
import { grantsOf, type PolicyBook } from '../test/policies/statement.ts';
import { reasonUndriven } from '../test/policies/unused-grants.ts';
import { between } from './generated-part.ts';

/** What the table is made from. */
export interface PermissionSources {
  /** Of the stack as it is, and of stacks with what only some deployments have, by the name of that. */
  plain: PolicyBook;
  others: Record<string, PolicyBook>;
  /** What each function can send by the AWS SDK, by the function's name. */
  calls: Record<string, readonly string[]>;
}

export async function permissionSources(books: PolicyBooks): Promise<PermissionSources> {
  const calls: [string, string[]][] = [];
  for (const name of functionNames) calls.push([name, await awsCallsOf(name, true)]);
  const others = {
    'an account on Bedrock': books.bedrock,
    '`inputPrefixes`': books.inputPrefixes,
    '`bucketKmsKeyArn`': books.ownKey,
  };
  return { plain: books.plain, others, calls: Object.fromEntries(calls) };
}

interface Row {
  name: string;
  action: string;
  /** What must be configured for it; empty for what every deployment has. */
  only: string;
  resources: string[];
}

/**
 * Puts the table of all calls and grants between the marks of a page.
 *
 * @throws Error where the page lacks its marks.
 */
export function withPermissionTable(page: string, sources: PermissionSources): string {
  const rows = rowsOf(sources).map((row) => [
    row.name,
    callsOf(row, sources).map(code).join(', ') || '-',
    code(row.action),
    [...new Set(row.resources.map(placeOf))].join(', '),
    row.only === '' ? 'always' : row.only,
    drivenText(row),
  ]);
  const head = ['Function', 'Calls of the AWS SDK', 'Need', 'On', 'Granted', 'Expected to be used by the tests'];
  const table = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  return between(page, 'the code of the functions and the synthesized stacks', table);
}

function rowsOf({ plain, others, calls }: PermissionSources): Row[] {
  return Object.keys(calls).flatMap((name) => {
    const own = grantsIn(plain, name);
    const known = new Set(own.map(({ action, resource }) => `${action} ${resource}`));
    const further = Object.entries(others).flatMap(([only, book]) =>
      grantsIn(book, name)
        .filter(({ action, resource }) => !known.has(`${action} ${resource}`) && !action.startsWith('secretsmanager:'))
        .map((grant) => ({ ...grant, only: `with ${only}` })),
    );
    const all = [...own.map((grant) => ({ ...grant, only: onlyOf(grant.action) })), ...further];
    const groups = Map.groupBy(all, ({ action, only }) => `${only} ${action}`);
    return [...groups.values()].flatMap((group) => {
      const [first] = group;
      return first
        ? [{ name, action: first.action, only: first.only, resources: group.map(({ resource }) => resource) }]
        : [];
    });
  });
}

function grantsIn(book: PolicyBook, name: string) {
  return grantsOf(book[`batchdrop-${name}`] ?? []);
}

function onlyOf(action: string): string {
  return action.startsWith('states:SendTask') ? 'with `taskMachines`' : '';
}

/** An action on an index is a call of its own. */
function callsOf({ name, action }: Row, { calls }: PermissionSources): string[] {
  return (calls[name] ?? []).filter((call) => actionOfCall[call]?.split(' ')[0] === action);
}

function drivenText({ name, action, resources }: Row): string {
  const reasons = resources.flatMap(
    (resource) => reasonUndriven({ name: `batchdrop-${name}`, action, resource }) ?? [],
  );
  return reasons.length === 0 ? 'yes' : `${reasons.length < resources.length ? 'in part' : 'no'}: ${reasons[0]}`;
}

/** How a resource of the local account is called where anybody reads of it. */
const places: [pattern: RegExp, text: string][] = [
  [/^arn:aws:s3:::batchdrop$/, 'the bucket'],
  [/^arn:aws:s3:::batchdrop\/((?:inbox|status|files|work|results)\/.*)$/, '`$1`'],
  [/^arn:aws:s3:::.*$/, 'the input prefixes'],
  [/^arn:aws:dynamodb:.*\/index\/(\w+)$/, 'the index `$1`'],
  [/^arn:aws:dynamodb:.*$/, 'the table'],
  [/^arn:aws:states:.*:stateMachine:batchdrop$/, 'the state machine'],
  [/^arn:aws:states:.*:stateMachine:.*$/, 'the machines that are named'],
  [/^arn:aws:states:.*:execution:.*$/, 'its executions'],
  [/^arn:aws:events:.*$/, 'the event bus, as source `batchdrop`'],
  [/^arn:aws:secretsmanager:.*$/, 'the secrets of the providers'],
  [/^arn:aws:logs:.*$/, 'its log group'],
  [/^arn:aws:sqs:.*$/, 'its dead-letter queue'],
  [/^arn:aws:kms:.*$/, 'the key of the bucket, through S3'],
  [/^arn:aws:iam:.*$/, 'the role of the jobs, for Bedrock'],
  [/^arn:aws:bedrock:.*:model-invocation-job\/.*$/, 'jobs of the account'],
  [/^arn:aws:bedrock:.*$/, 'models and profiles'],
  [/^\*$/, 'all; AWS knows no resource here'],
];

function placeOf(resource: string): string {
  const [pattern, text] = places.find(([known]) => known.test(resource)) ?? [];
  if (!pattern || text === undefined) throw new Error(`docs/permissions.md has no words for ${resource}.`);
  return resource.replace(pattern, text);
}

function code(text: string): string {
  return `\`${text}\``;
}
