import { expect, it, vi } from 'vitest';
import { newCommand } from '../../cli/command.ts';
import { calling } from '../../cli/transport/api/api-failure.ts';
import { DeploymentAnswerError } from '../../lib/client/deployment/failures.ts';

it.each([
  ['--max-cost', "batchdrop: Unknown option '--max-cost' (Did you mean --max-cost-usd?)\n"],
  ['--max-cost=5', "batchdrop: Unknown option '--max-cost=5' (Did you mean --max-cost-usd?)\n"],
  ['--foreign', "batchdrop: Unknown option '--foreign'\n"],
])('an option of which the end was left out is told its name: %s', (typed, said) => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    const command = newCommand('submit', { summary: 's' }).option('--max-cost-usd <usd>', 'm');
    expect(() => command.parse([typed], { from: 'user' })).toThrow();
    expect(write.mock.calls.map(([text]) => text).join('')).toBe(said);
  } finally {
    write.mockRestore();
  }
});

it('what answers in XML is told to be S3, whatever it says', async () => {
  const headers = new Headers({ 'content-type': 'application/xml' });
  const answer = new DeploymentAnswerError(501, headers, { message: '<?xml version="1.0"?>', code: null, param: null });
  const call = calling('http://127.0.0.1:8701', () => Promise.reject(answer));
  await expect(call).rejects.toThrow('http://127.0.0.1:8701 is no Batchdrop API but speaks XML, as S3 does');
});
