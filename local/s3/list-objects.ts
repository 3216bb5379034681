import { compareUtf8, endOfPrefix, firstIndexFrom } from './sorted-keys.ts';

interface KeyQuery {
  prefix: string;
  /** Empty for none. */
  delimiter: string;
  /** Only what comes after this key, or after this common prefix; empty for all. */
  after: string;
  limit: number;
}

type ListedEntry = { kind: 'key'; name: string } | { kind: 'common-prefix'; name: string };

export interface KeyPage {
  entries: ListedEntry[];
  isTruncated: boolean;
}

/**
 * One page of keys under a prefix; keys that share the part up to the delimiter are rolled up into one common prefix.
 *
 * @param keys in the order of their UTF-8 bytes.
 */
export function listKeys(keys: readonly string[], query: KeyQuery): KeyPage {
  const entries: ListedEntry[] = [];
  if (query.limit === 0) {
    return { entries, isTruncated: false };
  }
  let index = firstIndexOfPage(keys, query);
  for (let key = keys[index]; key?.startsWith(query.prefix); key = keys[index]) {
    if (entries.length === query.limit) {
      return { entries, isTruncated: true };
    }
    const commonPrefix = commonPrefixOf(key, query);
    if (commonPrefix === undefined) {
      entries.push({ kind: 'key', name: key });
      index += 1;
    } else {
      entries.push({ kind: 'common-prefix', name: commonPrefix });
      index = endOfPrefix(keys, commonPrefix, index);
    }
  }
  return { entries, isTruncated: false };
}

function firstIndexOfPage(keys: readonly string[], query: KeyQuery): number {
  const { prefix, after } = query;
  if (after === '' || compareUtf8(after, prefix) < 0) {
    return firstIndexFrom(keys, prefix);
  }
  const index = firstIndexFrom(keys, after);
  if (after.startsWith(prefix) && commonPrefixOf(after, query) === after) {
    return endOfPrefix(keys, after, index);
  }
  return keys[index] === after ? index + 1 : index;
}

function commonPrefixOf(key: string, query: KeyQuery): string | undefined {
  const end = query.delimiter === '' ? -1 : key.indexOf(query.delimiter, query.prefix.length);
  return end < 0 ? undefined : key.slice(0, end + query.delimiter.length);
}
