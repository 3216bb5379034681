import { describe, expect, it } from 'vitest';
import { type ParsedLine, parseRequestLine } from '../../lib/lines/request-line.ts';

function parsed(text: string): ParsedLine {
  return parseRequestLine({ lineNumber: 3, bytes: Buffer.from(text) }, undefined);
}

function chat(id: string, body: string): string {
  return `{"custom_id":"${id}","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini",${body}}}`;
}

const messages = (text: string) => `"messages":[{"role":"user","content":"${text}"}]`;

describe('half of a surrogate pair', () => {
  it.each([
    ['a high one', chat('a', messages('cut \\ud83d')), 'body.messages'],
    ['a low one', chat('a', messages('\\uDE00 cut')), 'body.messages'],
    ['two in the wrong order', chat('a', messages('\\ude00\\ud83d')), 'body.messages'],
    ['in a name', chat('a', `${messages('x')},"metadata":{"k\\ud83d":"v"}`), 'body.metadata'],
    [
      'natively',
      `{"custom_id":"a","params":{"model":"claude-opus-4-6","max_tokens":9,${messages('\\ud83d')}}}`,
      'params.messages',
    ],
    ['beside the request', `{"note":"\\ud83d",${chat('a', messages('x')).slice(1)}`, 'note'],
  ])('is an error of its line: %s', (_name, line, param) => {
    expect(parsed(line)).toMatchObject({
      ok: false,
      customId: 'a',
      errors: [{ code: 'invalid_json_line', param, line: 3, message: expect.stringContaining(param) }],
    });
  });

  it('in a custom_id makes it invalid, and the line has no id to be addressed by', () => {
    expect(parsed(chat('row-\\ud83d', messages('x')))).toMatchObject({
      ok: false,
      customId: null,
      errors: [{ code: 'invalid_custom_id', param: 'custom_id', line: 3 }],
    });
  });

  it.each([
    ['a whole pair', messages('whole \\ud83d\\ude00')],
    ['an escaped backslash before it', messages('\\\\ud83d')],
    ['the character itself', messages('😀')],
    ['another escape', messages('\\u00e9 \\ud7ff \\ue000')],
  ])('is not seen in %s', (_name, body) => {
    expect(parsed(chat('a', body))).toMatchObject({ ok: true });
  });

  it('is found however deep it stands', () => {
    const deep = `"x":${'['.repeat(50_000)}"\\ud83d"${']'.repeat(50_000)}`;
    expect(parsed(chat('a', `${messages('x')},${deep}`))).toMatchObject({ ok: false, errors: [{ param: 'body.x' }] });
  });
});
