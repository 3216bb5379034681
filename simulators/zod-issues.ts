import type { z } from 'zod';

export type Issue = z.core.$ZodIssue;
type UnionIssue = z.core.$ZodIssueInvalidUnion;

/** The value that an issue is about; undefined if it is absent. */
export function valueAt(body: unknown, path: PropertyKey[]): unknown {
  let value = body;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}

/** The values that would have chosen a branch, for a union that is told apart by one field. */
export function optionsOf(issue: UnionIssue): unknown[] {
  return 'options' in issue && issue.options !== undefined ? issue.options : [];
}

/**
 * What is wrong within the branch of a union that the value was meant for: the one that accepts the value's own type
 * and, if there is such a field, its `type`.
 *
 * @returns the issue with its path from the root, or null if no branch was meant.
 */
export function issueOfIntendedBranch(issue: UnionIssue): Issue | null {
  const possible = issue.errors.filter((branch) => branch.every((inner) => !isAboutWholeValue(inner)));
  const intended = possible.find((branch) => branch.every((inner) => inner.path[0] !== 'type')) ?? possible[0];
  const first = intended?.[0];
  return first === undefined ? null : { ...first, path: [...issue.path, ...first.path] };
}

function isAboutWholeValue(issue: Issue): boolean {
  return issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value');
}
