import { exampleCall } from './example-call.ts';
import { type Operation, operations } from './operations.ts';

/** Nothing is loaded from anywhere, and nothing runs. */
export const docsPagePolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

const style = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  details { border-bottom: 1px solid #8884; padding: .4rem 0; }
  summary { cursor: pointer; } code, pre { font: .85rem/1.45 ui-monospace, monospace; }
  pre { overflow: auto; background: #8881; padding: .8rem; border-radius: .4rem; }
  .method { display: inline-block; width: 4.5rem; font-weight: 600; text-transform: uppercase; }
  .what { display: inline-block; width: calc(100% - 6rem); vertical-align: top; }
  .what code { margin-right: .5rem; overflow-wrap: anywhere; }
  :target { outline: 2px solid #48f8; scroll-margin-top: 3rem; }
`;

/** A page to browse the API's description, as plain HTML. */
export function docsPage(document: Record<string, unknown>, version: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Batchdrop API</title><style>${style}</style></head><body>
<h1>Batchdrop API ${escapeHtml(version)}</h1>
<p>OpenAI's batch API, and a little more: point an official client's <code>base_url</code> at <code>/v1</code> of this
host and give it a Batchdrop key. The description for machines is <a href="/openapi.json">/openapi.json</a>.</p>
<h2>Operations</h2>
<p>The calls run as they stand in a shell with <code>curl</code> and <code>jq</code>. Ids are those of
the calls that made them. Set <code>BATCHDROP_URL</code> (this host) and <code>BATCHDROP_API_KEY</code> first; the local stack prints both when it starts.
Any OpenAI client does the same:</p>
<pre>client = OpenAI(base_url=os.environ["BATCHDROP_URL"] + "/v1", api_key=os.environ["BATCHDROP_API_KEY"])</pre>
${operations.map((operation) => operationOf(document, operation)).join('\n')}
<h2>Schemas</h2>
${Object.entries(fieldsOf(document, 'components', 'schemas'))
  .map(
    ([name, schema]) =>
      // The id is inside: a browser opens what a link leads into.
      `<details><summary><code>${escapeHtml(name)}</code></summary><div id="${escapeHtml(name)}">${json(schema)}</div></details>`,
  )
  .join('\n')}
</body></html>
`;
}

function operationOf(document: Record<string, unknown>, operation: Operation): string {
  const { method, path, summary } = operation;
  const described = fieldsOf(document, 'paths', path)[method];
  return `<details><summary><code class="method">${method}</code><span class="what"><code>${escapeHtml(path)}</code>${escapeHtml(summary)}</span></summary>
<pre>${escapeHtml(exampleCall(operation))}</pre>
${json(described)}</details>`;
}

function fieldsOf(value: unknown, ...names: string[]): Record<string, unknown> {
  const [name, ...rest] = names;
  const fields = typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
  return name === undefined ? fields : fieldsOf(fields[name], ...rest);
}

/** References become links. */
function json(value: unknown): string {
  const text = escapeHtml(JSON.stringify(value, null, 2) ?? '');
  return `<pre>${text.replaceAll(/#\/components\/schemas\/(\w+)/g, '<a href="#$1">$1</a>')}</pre>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
