/** The media type of every download, as at OpenAI: browsers save it and show nothing. */
export const downloadType = 'application/octet-stream';

/** The `content-disposition` of a download: its name, for old clients in ASCII. Source: RFC 6266, section 4.3. */
export function attachment(filename: string): string {
  const plain = filename.replaceAll(/[^\x20-\x7e]|["\\%]/gu, '_');
  const exact = encodeURIComponent(filename.toWellFormed()).replaceAll(/['()*]/g, percentEncoded);
  return `attachment; filename="${plain}"${plain === filename ? '' : `; filename*=UTF-8''${exact}`}`;
}

function percentEncoded(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
