import { appendFileSync, readFileSync } from 'node:fs';
import { inject } from 'vitest';
import type { Permissions } from '../../local/permissions.ts';
import type { PolicyBooks, Stack } from './policy-books.ts';
import { type Asked, grantsFor, type PolicyBook } from './statement.ts';

/** What the global setup leaves to the workers: files with the policies and of what was used of them. */
export interface PolicyFiles {
  policies: string;
  used: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    policyFiles: PolicyFiles;
  }
}

const refusals: string[] = [];
/** Stack, function, action and resource of each grant that was used. */
const used = new Map<string, number>();

/** The rights of the functions in a synthesized stack. Who is no function of it is the owner, and may do everything. */
export function permissionsOf(stack: Stack): Permissions {
  return permissionsIn(stack, readBooks()[stack]);
}

/** The policies of the synthesized stacks. */
export function readBooks(): PolicyBooks {
  return JSON.parse(readFileSync(inject('policyFiles').policies, 'utf8'));
}

/** @param stack names the policies where it is said what was used of them. */
export function permissionsIn(stack: string, book: PolicyBook): Permissions {
  return {
    allow: (caller, need) => isAllowed(stack, book, caller, need),
    refused: (caller, { action, resource }) => refusals.push(`${caller} may not ${action} on ${resource}`),
  };
}

/** What was decided of each right that was asked for: most calls ask for one of a few. */
const decided = new Map<string, string[]>();

function isAllowed(stack: string, book: PolicyBook, caller: string, need: Asked): boolean {
  if (!caller.startsWith('batchdrop-')) return true;
  const statements = book[caller];
  if (!statements) throw new Error(`The stack has no function ${caller}.`);
  const question = JSON.stringify([stack, caller, need]);
  const names =
    decided.get(question) ??
    grantsFor(statements, need).map(({ action, resource }) => JSON.stringify([stack, caller, action, resource]));
  decided.set(question, names);
  for (const name of names) used.set(name, (used.get(name) ?? 0) + 1);
  return names.length > 0;
}

/** @returns the refusals since the last time, and forgets them. */
export function takeRefusals(): string[] {
  return refusals.splice(0);
}

/** Adds what was used in this worker to what others used. */
export function noteUsed(): void {
  const lines = [...used].map(([name, times]) => `${JSON.stringify({ grant: JSON.parse(name), times })}\n`);
  if (lines.length > 0) appendFileSync(inject('policyFiles').used, lines.join(''));
  used.clear();
}
