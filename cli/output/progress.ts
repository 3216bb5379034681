import { createLogUpdate } from 'log-update';
import type { OutputOptions } from './result.ts';

/** Something that takes long, as far as it is. */
export interface ProgressState {
  /** What is being done: `Uploading`, `in_progress`. */
  label: string;
  done: number;
  /** Null where it is not known. */
  total: number | null;
  /** `30 of 100 requests, 2 failed`. */
  detail: string;
}

export interface Progress {
  show(state: ProgressState): void;
  /** Leaves standard error as if there had been none. */
  clear(): void;
}

/** A bar that is redrawn on a terminal, a line now and then elsewhere, nothing beside JSON. Always on standard error. */
export function createProgress({ json }: OutputOptions): Progress {
  if (json) return { show: () => undefined, clear: () => undefined };
  const isSeen = process.stderr.isTTY && process.stderr.rows > 0 && !process.env.CI;
  return isSeen ? liveProgress() : plainProgress();
}

const spinnerFrames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMilliseconds = 100;
const barWidth = 24;

/** The spinner turns between two looks, so that one can see that somebody is at work. */
function liveProgress(): Progress {
  const draw = createLogUpdate(process.stderr);
  let state: ProgressState | undefined;
  let frame = 0;
  const redraw = () => {
    frame = (frame + 1) % spinnerFrames.length;
    if (state) draw(`${spinnerFrames[frame]} ${describe(state)}`);
  };
  const timer = setInterval(redraw, frameMilliseconds);
  timer.unref();
  return {
    show: (next) => {
      state = next;
      redraw();
    },
    clear: () => {
      clearInterval(timer);
      draw.clear();
      draw.done();
    },
  };
}

function describe(state: ProgressState): string {
  return [state.label, ...(state.total === null ? [] : [bar(state.done, state.total)]), state.detail].join('  ');
}

function bar(done: number, total: number): string {
  const share = total === 0 ? 0 : Math.min(1, done / total);
  const filled = Math.floor(share * barWidth);
  return `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ${String(Math.floor(share * 100)).padStart(3)}%`;
}

/** Often enough to see life in a log, seldom enough to read it. */
const quietMilliseconds = 10_000;

/** A line for each new label, and then for what changed, at most every ten seconds. */
function plainProgress(): Progress {
  let shown: ProgressState | undefined;
  let shownAtMs = 0;
  return {
    show: (state) => {
      const isNew = state.label !== shown?.label;
      const isDue = state.detail !== shown?.detail && Date.now() - shownAtMs >= quietMilliseconds;
      if (!isNew && !isDue) return;
      process.stderr.write(`${state.label}: ${state.detail}\n`);
      shown = state;
      shownAtMs = Date.now();
    },
    clear: () => undefined,
  };
}
