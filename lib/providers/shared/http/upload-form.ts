import { randomUUID } from 'node:crypto';

/** A form as it goes over the wire. */
export interface UploadForm {
  body: Blob;
  contentType: string;
}

/**
 * Puts fields and a file into one body of known length, the file's bytes read as they are sent.
 *
 * In place of FormData: when a connection breaks while fetch of Node 24 sends one, it goes on writing to the closed
 * stream, and that error is nobody's and ends the process. A Blob is sent by another path, which ends well.
 *
 * @param fileName of letters, digits, points and dashes.
 */
export function uploadForm(fields: Record<string, string>, file: Blob, fileName: string): UploadForm {
  const boundary = `batchdrop-${randomUUID()}`;
  const parts = Object.entries(fields).map(([name, value]) => `${head(boundary, `name="${name}"`)}\r\n${value}\r\n`);
  const fileHead = `${head(boundary, `name="file"; filename="${fileName}"`)}content-type: application/jsonl\r\n\r\n`;
  return {
    body: new Blob([...parts, fileHead, file, `\r\n--${boundary}--\r\n`]),
    contentType: `multipart/form-data; boundary=${boundary}`,
  };
}

function head(boundary: string, disposition: string): string {
  return `--${boundary}\r\ncontent-disposition: form-data; ${disposition}\r\n`;
}
