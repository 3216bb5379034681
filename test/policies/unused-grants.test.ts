import { describe, expect, it } from 'vitest';
import { readBooks } from './permissions.ts';
import { grantsOf } from './statement.ts';
import { isMeant, reasonUndriven, undriven, unusedGrants } from './unused-grants.ts';

interface Used {
  stack: string;
  name: string;
  action: string;
  resource: string;
}

const all: Used[] = Object.entries(readBooks()).flatMap(([stack, book]) =>
  Object.entries(book).flatMap(([name, statements]) =>
    grantsOf(statements).map(({ action, resource }) => ({ stack, name, action, resource })),
  ),
);
/** What a full run has to use. */
const due = all.filter((grant) => reasonUndriven(grant) === null);

function findings(used: readonly Used[]): string[] {
  const lines = used.map(({ stack, name, action, resource }) =>
    JSON.stringify({ grant: [stack, name, action, resource], times: 1 }),
  );
  return unusedGrants(JSON.stringify(readBooks()), lines.join('\n'));
}

describe('the judgement of a full run', () => {
  it('finds nothing where all was used that can be', () => {
    expect(due.length).toBeGreaterThan(100);
    expect(findings(due)).toEqual([]);
  });

  it('names a grant that no test used, in whatever stack', () => {
    const isLost = ({ name, action, resource }: Used) =>
      name === 'batchdrop-sweep' && action === 's3:DeleteObject' && resource.includes('/work/');
    expect(findings(due.filter((grant) => !isLost(grant)))).toEqual([
      'batchdrop-sweep never used s3:DeleteObject on arn:aws:s3:::batchdrop/work/*',
    ]);
  });

  it('takes all secrets for one', () => {
    const secrets = due.filter(({ name, action }) => name === 'batchdrop-poll' && action.startsWith('secretsmanager:'));
    expect(secrets.length).toBeGreaterThan(1);
    expect(findings(due.filter((grant) => !secrets.slice(1).includes(grant)))).toEqual([]);
  });

  it('excuses no grant that is not there', () => {
    const needless = undriven.filter((entry) => !all.some((grant) => isMeant(entry, grant)));
    expect(needless).toEqual([]);
  });
});
