// Longest start of a data URL that is looked at; the data behind it can be megabytes.
const maxHead = 200;
const head = /^data:([^;,]*)(?:;[^;,]*)*;base64,/i;

// What every PDF (`%PDF-`) begins with in base64.
const pdfStart = 'JVBERi0';

export interface InlineData {
  /** In lower case; empty where it is not said. */
  mimeType: string;
  base64: string;
}

/** @returns null for what is no data URL in base64. */
export function inlineDataFrom(url: string): InlineData | null {
  const found = head.exec(url.slice(0, maxHead));
  return found && { mimeType: String(found[1]).toLowerCase(), base64: url.slice(found[0].length) };
}

/** What OpenAI takes as `file_data`: a data URL, or a PDF's base64 alone. */
export function fileDataFrom(fileData: string): InlineData | null {
  return (
    inlineDataFrom(fileData) ??
    (fileData.startsWith(pdfStart) ? { mimeType: 'application/pdf', base64: fileData } : null)
  );
}
