import { describe, expect, it } from 'vitest';
import { safeText } from '../../lib/records/errors.ts';
import { rememberSecret } from '../../lib/records/known-secrets.ts';

// Of the same shape as what the services issue; none of them is one.
const keys = {
  OpenAI: 'sk-proj-AbCdEf0123456789abcdefghij',
  Anthropic: 'sk-ant-api03-AbCdEf0123456789-abc_AA',
  Gemini: 'AIzaSyAbCdEf0123456789abcdefghijklmnopq',
  'Google OAuth': 'ya29.a0AbCdEf0123456789_abcdefghij-klm',
  Groq: 'gsk_AbCdEf0123456789abcdefghij',
  Together: '0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0',
  xAI: 'xai-AbCdEf0123456789abcdefghij',
  Azure: '1A2b3C4d5E6f7G8h9I0jKlMnOpQrStUv1A2b3C4d5E6f7G8h9I0jKlMnOpQrStUvJQQJ99',
  Mistral: 'AbCdEf0123456789GhIjKlMnOpQrStUv',
  Fireworks: 'fw_3ZabcdefGHIJKLmnopqrstu',
  'a server of one’s own': 'p/a+ss w"ord\\=123',
};

describe('a key that a connection got', () => {
  it.each(Object.entries(keys))('is hidden in every spelling: %s', (_provider, key) => {
    rememberSecret(key);
    const bytes = Buffer.from(key);
    const said = [
      key,
      JSON.stringify({ key }),
      `https://api.example.com/v1?api_key=${encodeURIComponent(key)}`,
      new URLSearchParams({ k: key }).toString(),
      bytes.toString('base64'),
      bytes.toString('base64url'),
    ];
    for (const text of said) {
      const safe = safeText(`Incorrect API key provided: ${text}.`);
      expect(safe).toContain('[hidden]');
      for (const spelling of [
        key,
        JSON.stringify(key).slice(1, -1),
        encodeURIComponent(key),
        bytes.toString('base64url'),
      ])
        expect(safe).not.toContain(spelling);
    }
  });

  it('is hidden in each text of a key file', () => {
    const file = { type: 'service_account', private_key: '-----BEGIN KEY-----\nMIIEvQ0123456789\n-----END KEY-----\n' };
    rememberSecret(JSON.stringify(file));
    expect(safeText(`unreadable: ${JSON.stringify(file)}`)).not.toContain('MIIEvQ');
    expect(safeText(`unreadable: ${file.private_key}`)).not.toContain('MIIEvQ');
  });

  it('takes no word from a text where it is too short to be a key', () => {
    rememberSecret('key');
    rememberSecret('');
    expect(safeText('The key was refused.')).toBe('The key was refused.');
  });

  it('is forgotten when many came after it', () => {
    rememberSecret('first-token-of-many');
    for (let index = 0; index < 300; index += 1) rememberSecret(`later-token-${index}`);
    expect(safeText('first-token-of-many')).toBe('first-token-of-many');
    expect(safeText('later-token-299')).toBe('[hidden]');
  });
});
