import { styleText } from 'node:util';
import { createLogUpdate } from 'log-update';
import type { DemoDrop, DropDisplay } from './drop.ts';

/** Lines that are redrawn where somebody looks; a line for each change where the output is kept, as in CI. */
export function createDisplay(stdout: NodeJS.WriteStream): DropDisplay {
  return stdout.isTTY && !process.env.CI ? liveDisplay(stdout) : plainDisplay(stdout);
}

/** For programs. */
export const noDisplay: DropDisplay = { show: () => undefined, finish: () => undefined };

const spinnerFrames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

function liveDisplay(stdout: NodeJS.WriteStream): DropDisplay {
  const draw = createLogUpdate(stdout);
  let frame = 0;
  const show = (drops: readonly DemoDrop[]) => {
    frame = (frame + 1) % spinnerFrames.length;
    draw(drops.map((drop) => `  ${mark(drop, frame)} ${describe(drop)}`).join('\n'));
  };
  return {
    show,
    finish: (drops) => {
      show(drops);
      draw.done();
    },
  };
}

function plainDisplay(stdout: NodeJS.WriteStream): DropDisplay {
  const shown = new Map<string, string>();
  const show = (drops: readonly DemoDrop[]) => {
    for (const drop of drops) {
      const state = JSON.stringify([drop.status?.status, drop.status?.request_counts]);
      if (shown.get(drop.file) !== state) stdout.write(`  ${describe(drop)}\n`);
      shown.set(drop.file, state);
    }
  };
  return { show, finish: show };
}

function mark(drop: DemoDrop, frame: number): string {
  if (drop.endedAtMs === null) return styleText('cyan', spinnerFrames[frame] ?? '');
  return drop.status?.status === 'completed' ? styleText('green', '✔') : styleText('red', '✖');
}

function describe(drop: DemoDrop): string {
  const seconds = (((drop.endedAtMs ?? Date.now()) - drop.droppedAtMs) / 1_000).toFixed(1);
  const state = (drop.status?.status ?? 'dropped').padEnd(12);
  return `${drop.file.padEnd(24)} ${state} ${describeCounts(drop).padEnd(25)} ${seconds.padStart(5)} s`;
}

function describeCounts({ status }: DemoDrop): string {
  if (!status || status.request_counts.total === 0) return '';
  const { total, completed, failed } = status.request_counts;
  return `${completed} of ${total} answered${failed > 0 ? `, ${failed} failed` : ''}`;
}
