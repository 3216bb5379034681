import { attachment, downloadType } from '../records/attachment.ts';
import type { Download } from '../service/download.ts';
import type { ApiContext } from './api-environment.ts';

/** Sends bytes, or leads to where they are. */
export async function sendDownload(context: ApiContext, download: Download): Promise<Response> {
  if ('url' in download) return redirect(context, download.url);
  const { filename, bytes, chunks } = download;
  context.header('content-type', downloadType);
  context.header('content-disposition', attachment(filename));
  context.header('content-length', String(bytes));
  if (context.req.method !== 'HEAD') return context.body(ReadableStream.from(chunks));
  await chunks.return();
  return context.body(null);
}

/** A client that follows no redirects keeps this body: it must not look like an empty file. */
export function redirect(context: ApiContext, location: string): Response {
  context.header('location', location);
  const message =
    'The file is larger than what one answer carries here. Follow the redirect in the header `location` (curl: -L; httpx: follow_redirects=True), without the API key.';
  return context.json({ error: { message, type: 'redirect', param: null, code: 'follow_redirect' } }, 302);
}
