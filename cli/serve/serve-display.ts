import { styleText } from 'node:util';
import type { CallerKind } from '../../lib/live/callers.ts';
import type { LiveRun, RunState } from '../../lib/live/live-run.ts';
import { dollarsText } from '../../lib/records/dollars.ts';
import { createProgress } from '../output/progress.ts';
import { statusLine } from './journal-commands.ts';

interface Begun {
  url: string;
  target: string;
  run: string;
  folder: string;
  /** What is not gathered but made live; null for nothing. */
  live: string | null;
}

/** What a person, or a pipe, sees of a server. */
export interface ServeDisplay {
  begun(place: Begun): void;
  caller(kind: CallerKind): void;
  changed(run: LiveRun): void;
  ended(state: RunState): void;
}

/** A state is counted from the journal, so it is not shown more often. */
const showMilliseconds = 500;

/** Where a command runs, standard output is its own. */
export function createServeDisplay({ json, hasCommand }: { json: boolean; hasCommand: boolean }): ServeDisplay {
  return json ? jsonDisplay(hasCommand) : textDisplay();
}

function jsonDisplay(hasCommand: boolean): ServeDisplay {
  const stream = hasCommand ? process.stderr : process.stdout;
  const tell = (event: string, value: object) => stream.write(`${JSON.stringify({ event, ...value })}\n`);
  const later = seldom((run) => tell('state', shown(run.state())));
  return {
    begun: ({ url, target, run, folder, live }) =>
      tell('begun', { url, pid: process.pid, target, run, journal: folder, ...(live !== null && { live }) }),
    caller: ({ name, holdSeconds, interim }) => tell('caller', { name, hold_seconds: holdSeconds, interim }),
    changed: later.show,
    ended: (state) => {
      later.stop();
      tell('ended', shown(state));
    },
  };
}

function shown({ spentUsd, liveUsd, batches, ...state }: RunState): object {
  return {
    ...state,
    spent_usd: spentUsd,
    live_usd: liveUsd,
    batches: batches.map(({ step, requests, providerBatchId, problem }) => ({
      step,
      requests,
      provider_batch_id: providerBatchId,
      problem,
    })),
  };
}

function textDisplay(): ServeDisplay {
  const progress = createProgress({});
  const later = seldom((run) => {
    const state = run.state();
    const { answered, failed, waiting, gathered, batches, pace } = state;
    const total = answered + failed + waiting;
    const problem = batches.find((batch) => batch.problem)?.problem;
    const notes = [paidText(state), gathered > 0 ? `${gathered} being gathered` : null, pace, problem].filter(
      (note) => note,
    );
    progress.show({
      label: 'Live calls',
      done: answered + failed,
      total,
      detail: [statusLine(state), ...notes].join('; '),
    });
  });
  const tell = (line: string) => process.stderr.write(`${line}\n`);
  return {
    begun: ({ url, target, run, folder, live }) => {
      tell(
        `${styleText('bold', 'Live calls become batches')} at ${url}, sent to ${target}. Answers take minutes to hours.`,
      );
      tell(`  export OPENAI_BASE_URL=${url}/v1 ANTHROPIC_BASE_URL=${url}`);
      tell(`  Run '${run}', kept in ${folder}. Stopped and started again, it goes on where it was.`);
      if (live !== null) tell(`  ${live}`);
    },
    caller: ({ name, holdSeconds, hint }) => {
      const setting = hint === null ? '' : ` To wait for a day in one call, set ${hint}.`;
      tell(
        `A call of ${name}: it is kept for ${Math.round(holdSeconds)} s at a time, then it must call again.${setting}`,
      );
    },
    changed: later.show,
    ended: (state) => {
      later.stop();
      progress.clear();
      tell([statusLine(state), paidText(state)].filter((text) => text !== null).join('; '));
    },
  };
}

/** What was spent, and what live calls would have cost; null where nothing is known, or nothing was spent. */
function paidText({ spentUsd, liveUsd }: RunState): string | null {
  if (!spentUsd) return null;
  const live = liveUsd === null ? '' : ` (live calls: ${dollarsText(liveUsd)})`;
  return `${dollarsText(spentUsd)} spent${live}`;
}

/** Shows what changed, soon and not too often. */
function seldom(show: (run: LiveRun) => void): { show(run: LiveRun): void; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  return {
    show: (run) => {
      if (isStopped) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        show(run);
      }, showMilliseconds).unref();
    },
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
