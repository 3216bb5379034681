/**
 * First bytes of forms of files that are no text.
 * Sources: RFC 1952, RFC 8878, APPNOTE of ZIP, Apache Parquet's format, the byte order marks of Unicode.
 */
const signatures = [
  { form: 'gzip', bytes: [0x1f, 0x8b] },
  { form: 'zstd', bytes: [0x28, 0xb5, 0x2f, 0xfd] },
  { form: 'zip', bytes: [0x50, 0x4b, 0x03, 0x04] },
  { form: 'parquet', bytes: [0x50, 0x41, 0x52, 0x31] },
  { form: 'encrypted-parquet', bytes: [0x50, 0x41, 0x52, 0x45] },
  { form: 'utf-16le', bytes: [0xff, 0xfe] },
  { form: 'utf-16be', bytes: [0xfe, 0xff] },
] as const;

/** A form of file that is known by its first bytes. */
export type SignedForm = (typeof signatures)[number]['form'];

/**
 * Tells the form of a file by its first bytes.
 *
 * @param head the first bytes, cut anywhere.
 * @returns null for a file of none of these forms.
 */
export function signedForm(head: Buffer): SignedForm | null {
  return signatures.find(({ bytes }) => bytes.every((byte, place) => head[place] === byte))?.form ?? null;
}
