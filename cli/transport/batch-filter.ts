import { fileIn, isNamedLike } from '../../lib/records/name-pattern.ts';
import { hint } from '../called-as.ts';
import { CommandError, exitStatus } from '../exit-status.ts';
import type { BatchState } from './batch-state.ts';
import type { ListRequest } from './transport.ts';

/** Whether a batch is one of those that a list asks for. */
export function isListed(state: BatchState, request: ListRequest): boolean {
  const { statuses, name } = request;
  if (statuses !== null && !statuses.includes(state.status)) return false;
  if (isOlder(state, request)) return false;
  return name === null || isNamedLike(state.name ?? '', name);
}

/** Whether a list that is read from the newest on is through. */
export function isOlder(state: BatchState, { since }: ListRequest): boolean {
  return since !== null && (state.moments[0]?.at ?? 0) < since;
}

/** `inbox/` and the bucket may stand before a name, as people copy it. */
export function plainName(handle: string): string {
  return handle.replace(/^s3:\/\/[^/]+\//, '').replace(/^inbox\//, '');
}

/** The fewest digits that are taken for the beginning of an id. */
const idStart = /^batch_[0-9a-f]{4,31}$/;

/**
 * Finds the batch that a person means: by the name of its file, with or without its folder, of which the newest counts, or by
 * the beginning of its id.
 *
 * @param batches newest first; read only as far as is needed.
 * @throws CommandError where several ids begin so, and where there is none: then with the names that are alike.
 */
export async function findMeant(handle: string, batches: AsyncIterable<BatchState>): Promise<BatchState> {
  const name = plainName(handle);
  const begun: BatchState[] = [];
  const names = new Set<string>();
  for await (const batch of batches) {
    if (batch.name === name || fileIn(batch.name ?? '') === name) return batch;
    if (idStart.test(handle) && batch.id?.startsWith(handle)) begun.push(batch);
    if (batch.name !== null) names.add(batch.name);
  }
  const [only, ...others] = begun;
  if (only && others.length === 0) return only;
  throw new CommandError(
    exitStatus.invalid,
    begun.length > 0 ? severalSentence(handle, begun) : noneSentence(handle, [...names]),
  );
}

const maxNamed = 3;

function severalSentence(handle: string, begun: readonly BatchState[]): string {
  const ids = begun.slice(0, maxNamed).map(({ id }) => id);
  return `${begun.length} batches have ids that begin with '${handle}': ${ids.join(', ')}${begun.length > maxNamed ? ', ...' : ''}.`;
}

function noneSentence(handle: string, names: readonly string[]): string {
  const stem = fileIn(plainName(handle)).replace(/\.jsonl$/i, '');
  const alike = stem === '' ? [] : names.filter((name) => isNamedLike(name, stem)).slice(0, maxNamed);
  const meant = alike.length > 0 ? ` Did you mean ${alike.map((name) => `'${name}'`).join(' or ')}?` : '';
  return `No batch found with id or name '${handle}'.${meant} All there are: ${hint('list')}`;
}

/**
 * Finds the batch that was made of what failed in another one, by the API or by a drop of its retry file. One that was refused, or
 * failed before it was sent, is none.
 *
 * @param batches newest first.
 */
export async function findRetry(
  { id }: BatchState,
  since: number,
  batches: AsyncIterable<BatchState>,
): Promise<BatchState | null> {
  for await (const batch of batches) {
    if ((batch.moments[0]?.at ?? 0) < since) return null;
    const isRetry = batch.retryOf === id || fileIn(batch.name ?? '').startsWith(`${id}-retry-`);
    if (isRetry && batch.status !== 'failed' && batch.status !== 'refused' && !batch.isDryRun) return batch;
  }
  return null;
}
