import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { foreignForm } from '../../lib/lines/file-form.ts';
import { parseRequestLine } from '../../lib/lines/request-line.ts';
import { requestLine } from '../cli/command.ts';

const requests = ['a', 'b', 'c'].map((id) => requestLine(id));
const jsonl = `${requests.join('\n')}\n`;
const list = requests.map((line): unknown => JSON.parse(line));

describe('the form of a file', () => {
  it.each<[string, Buffer, string]>([
    ['a list on one line', Buffer.from(JSON.stringify(list)), 'is one JSON list'],
    ['a list over several lines', Buffer.from(JSON.stringify(list, null, 2)), 'is JSON over several lines'],
    ['an object over several lines', Buffer.from(JSON.stringify(list[0], null, 2)), 'is JSON over several lines'],
    ['CSV', Buffer.from('id,review\n1,"Good, I say"\n2,Bad\n'), 'looks like a table'],
    ['UTF-16 with a mark', Buffer.from(`\uFEFF${jsonl}`, 'utf16le'), 'is UTF-16'],
    ['UTF-16 without one', Buffer.from(jsonl, 'utf16le'), 'is UTF-16'],
    ['gzip', gzipSync(jsonl), 'is gzip'],
    ['a workbook', Buffer.from('PK\u0003\u0004rest'), 'is a ZIP archive'],
  ])('of %s is named', (_what, bytes, expected) => {
    expect(foreignForm(bytes)).toContain(expected);
  });

  it.each<[string, string]>([
    ['requests', jsonl],
    ['requests behind a mark', `\uFEFF${jsonl}`],
    ['requests behind a line that is none', `id,review\nx,y\n${jsonl}`],
    ['one request, cut', requests.join('').slice(0, 40)],
    ['nothing', ''],
    ['what Python prints', "{'custom_id': 'a', 'method': 'POST'}\n{'custom_id': 'b', 'method': 'POST'}\n"],
  ])('of %s needs no name', (_what, text) => {
    expect(foreignForm(Buffer.from(text))).toBeNull();
  });
});

describe('a line that is no request', () => {
  const refused = (text: string) => {
    const parsed = parseRequestLine({ lineNumber: 7, bytes: Buffer.from(text) }, undefined);
    if (parsed.ok) throw new Error('It is one.');
    return { ...parsed.errors[0], customId: parsed.customId };
  };

  it.each([
    ['null', 'it is null'],
    ['"hello"', 'it is a text'],
    ['[1, 2]', 'it is an array'],
    ['42', 'it is a number'],
    [JSON.stringify(requests[0]), 'it was made JSON twice'],
  ])('%s says what it is', (text, what) => {
    expect(refused(text)).toMatchObject({ code: 'invalid_json_line', message: expect.stringContaining(what), line: 7 });
  });

  it('says where it stops being JSON, and keeps an id that can be read', () => {
    const line = '{"custom_id": "no \\"good\\"", "method": "POST", "body": {"temperature": NaN}}';
    expect(refused(line)).toMatchObject({
      customId: 'no "good"',
      message: expect.stringContaining(`At character ${line.indexOf('NaN') + 1}: JSON has no NaN`),
    });
    expect(refused('{"method": NaN, "custom_id": "late"}').customId).toBeNull();
  });

  it("in Anthropic's form with OpenAI's tools says so", () => {
    const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }];
    const params = { model: 'claude-sonnet-4-5', max_tokens: 9, messages: [{ role: 'user', content: 'x' }], tools };
    expect(refused(JSON.stringify({ custom_id: 'a', params }))).toMatchObject({
      message: expect.stringContaining("its tools are in OpenAI's"),
      param: 'params.tools',
    });
  });
});
