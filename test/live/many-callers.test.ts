import { Agent, request } from 'node:http';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { SeededRandom } from '../../simulators/seeded-random.ts';
import { runs } from '../seed.ts';
import { startServing, until } from './live-harness.ts';

/** `BATCHDROP_RUNS=10` makes it 10,000, each with two open files of this process at a time. */
const callers = Math.min(10, Number(process.env.BATCHDROP_RUNS ?? 1)) * 1_000;
/** After so many hang-ups a caller stays. */
const maxHangUps = 4;
const longestPatienceMs = 1_500;

/** One try of one caller. @returns the answer; null after a hang-up, from whichever side. */
function tried(url: string, agent: Agent, prompt: string, retry: number, patienceMs: number): Promise<string | null> {
  const body = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: prompt }] });
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'x-stainless-retry-count': String(retry) };
    const sent = request(`${url}/chat/completions`, { method: 'POST', agent, headers }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece) => pieces.push(piece));
      response.once('end', () => resolve(Buffer.concat(pieces).toString()));
      response.once('error', () => resolve(null));
    });
    sent.once('error', () => resolve(null));
    sent.once('close', () => resolve(null));
    sent.end(body);
    if (Number.isFinite(patienceMs)) setTimeout(() => sent.destroy(), patienceMs);
  });
}

it(`${callers} callers that hang up at random moments get an answer each, and it is paid for once`, {
  timeout: 600_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const random = new SeededRandom(String(seed));
      const serving = await startServing({ gatherSeconds: 0.3, pollIntervalSeconds: 0.2 });
      const { upstream, run } = serving;
      upstream.isQuick = false;
      const ending = setInterval(() => upstream.finish(), 400);
      onTestFinished(() => clearInterval(ending));
      const agent = new Agent({ maxSockets: 8_000 });
      const url = serving.url();
      const patience = () => (random.next() < 0.7 ? random.next() * longestPatienceMs : Number.POSITIVE_INFINITY);
      const caller = async (prompt: string): Promise<string> => {
        for (let hangUps = 0; ; hangUps += 1) {
          const patienceMs = hangUps < maxHangUps ? patience() : Number.POSITIVE_INFINITY;
          const answer = await tried(url, agent, prompt, hangUps, patienceMs);
          if (answer !== null) return JSON.parse(answer).choices[0].message.content.split(' #')[0];
        }
      };
      const prompts = Array.from({ length: callers }, (_, index) => `prompt ${index}`);
      const answers = await Promise.all(prompts.map(caller));
      agent.destroy();
      await until(() => run.state().waiting === 0);

      expect(answers).toEqual(prompts);
      expect(upstream.paid.toSorted()).toEqual(prompts.toSorted());
    }),
    { numRuns: runs(1) },
  );
});
