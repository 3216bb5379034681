/** The value of before where the new one says the same, so that what has not changed is not drawn again. */
export function reuse<Value>(next: Value, before: Value | null | undefined): Value {
  return before && JSON.stringify(next) === JSON.stringify(before) ? before : next;
}
