const firstSurrogate = 0xd800;
const firstAfterSurrogates = 0xe000;

/**
 * A map whose keys can be read in S3's order: that of their UTF-8 bytes.
 *
 * Sorting is put off until somebody lists, and then merges only what was added since: 100,000 puts followed by a list
 * cost one sort, and a list after few puts costs one linear pass.
 */
export class SortedKeyMap<Value> {
  readonly #values = new Map<string, Value>();
  readonly #added = new Set<string>();
  #sorted: string[] = [];
  #hasChanged = false;

  get size(): number {
    return this.#values.size;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: Value): void {
    if (!this.#values.has(key)) {
      this.#added.add(key);
      this.#hasChanged = true;
    }
    this.#values.set(key, value);
  }

  delete(key: string): void {
    this.#hasChanged = this.#values.delete(key) || this.#hasChanged;
  }

  values(): Iterable<Value> {
    return this.#values.values();
  }

  /** All keys in order. The array is replaced, never changed, by later puts and deletes. */
  sortedKeys(): readonly string[] {
    if (this.#hasChanged) {
      const kept = this.#sorted.filter((key) => this.#values.has(key) && !this.#added.has(key));
      const added = [...this.#added].filter((key) => this.#values.has(key)).sort(compareUtf8);
      this.#sorted = mergeSorted(kept, added);
      this.#added.clear();
      this.#hasChanged = false;
    }
    return this.#sorted;
  }
}

/** Orders two strings by their UTF-8 bytes, without encoding them. */
export function compareUtf8(left: string, right: string): number {
  const shared = Math.min(left.length, right.length);
  for (let index = 0; index < shared; index += 1) {
    const leftUnit = left.charCodeAt(index);
    const rightUnit = right.charCodeAt(index);
    if (leftUnit !== rightUnit) {
      return utf8Rank(leftUnit) - utf8Rank(rightUnit);
    }
  }
  return left.length - right.length;
}

/** @returns the index of the first key that is not before `bound`. */
export function firstIndexFrom(keys: readonly string[], bound: string): number {
  return firstIndexWhere(keys, 0, (key) => compareUtf8(key, bound) >= 0);
}

/** @returns the index of the first key, from `start` on, that does not begin with `prefix`; keys there all do or follow. */
export function endOfPrefix(keys: readonly string[], prefix: string, start: number): number {
  return firstIndexWhere(keys, start, (key) => !key.startsWith(prefix));
}

function firstIndexWhere(keys: readonly string[], start: number, isAtOrPast: (key: string) => boolean): number {
  let low = start;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAtOrPast(keys[middle] ?? '')) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

/** UTF-16 puts surrogate pairs before U+E000 to U+FFFF, UTF-8 puts them last. */
function utf8Rank(codeUnit: number): number {
  if (codeUnit >= firstAfterSurrogates) {
    return codeUnit - 0x800;
  }
  return codeUnit >= firstSurrogate ? codeUnit + 0x2000 : codeUnit;
}

function mergeSorted(left: string[], right: string[]): string[] {
  const merged: string[] = [];
  let rightIndex = 0;
  for (const key of left) {
    for (let next = right[rightIndex]; next !== undefined && compareUtf8(next, key) < 0; next = right[rightIndex]) {
      merged.push(next);
      rightIndex += 1;
    }
    merged.push(key);
  }
  return merged.concat(right.slice(rightIndex));
}
