/** Whether a key can travel in a header: printable ASCII, with spaces inside. */
export function isHeaderKey(key: string): boolean {
  return /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/.test(key);
}
