/** Within single quotes of sh. */
function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A request line as a file has it. */
export function jsonlOf(request: unknown): string {
  return `${JSON.stringify(request)}\n`;
}

const native = {
  base: 'https://api.anthropic.com',
  headers: ['x-api-key: $ANTHROPIC_API_KEY', 'anthropic-version: 2023-06-01'],
};
const openai = { base: 'https://api.openai.com', headers: ['authorization: Bearer $OPENAI_API_KEY'] };

/** A call of curl that sends a request by itself, at once and at full price; BASE_URL names another server. */
export function curlOf(request: Record<string, unknown>): string {
  const isNative = 'params' in request || request.url === '/v1/messages';
  const { base, headers } = isNative ? native : openai;
  const path = typeof request.url === 'string' ? request.url : '/v1/messages';
  const body = JSON.stringify(request.params ?? request.body);
  const lines = [
    // The variables are for the shell; what the request says is quoted.
    `curl -sS "\${BASE_URL:-${base}}"${shellQuoted(path)}`,
    ...headers.map((header) => `-H "${header}"`),
    `-H 'content-type: application/json'`,
    `-d ${shellQuoted(body)}`,
  ];
  return lines.join(' \\\n  ');
}
