/** A character of a terminal, and how it looks: `bold`, `dim`, or the name of a colour. */
interface Cell {
  character: string;
  styles: readonly string[];
}

/** Text of one look within a line. */
export interface Run {
  column: number;
  text: string;
  styles: readonly string[];
}

const styleNames: Record<number, string> = {
  1: 'bold',
  2: 'dim',
  31: 'red',
  32: 'green',
  33: 'yellow',
  36: 'cyan',
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals are steered by them
const piece = /\u001b\[([?\d;]*)([A-Za-z])|\u001b\][^\u0007]*\u0007|[\s\S]/gu;

/** What a terminal shows of a command's output: as much of its control sequences as this command line uses. */
export class TerminalScreen {
  #rows: Cell[][] = [[]];
  #row = 0;
  #column = 0;
  #styles: readonly string[] = [];

  write(output: string): void {
    for (const [whole, parameters = '', command] of output.matchAll(piece)) {
      if (command !== undefined) this.#obey(command, parameters);
      else if (whole === '\n') this.#row += 1;
      else if (whole === '\r') this.#column = 0;
      else if (whole >= ' ') this.#put(whole);
    }
  }

  /** @returns for each line its runs, without spaces at its end. */
  lines(): Run[][] {
    return this.#rows.map((cells) => runsOf(cells));
  }

  #put(character: string): void {
    while (this.#rows.length <= this.#row) this.#rows.push([]);
    const cells = this.#rows[this.#row] ?? [];
    while (cells.length < this.#column) cells.push({ character: ' ', styles: [] });
    cells[this.#column] = { character, styles: this.#styles };
    this.#column += 1;
  }

  #obey(command: string, parameters: string): void {
    const numbers = parameters.split(';').map(Number);
    const [first = 0] = numbers;
    if (command === 'A') this.#row = Math.max(0, this.#row - Math.max(1, first));
    else if (command === 'B') this.#row += Math.max(1, first);
    else if (command === 'G') this.#column = Math.max(0, first - 1);
    else if (command === 'K')
      this.#rows[this.#row] = first === 2 ? [] : (this.#rows[this.#row] ?? []).slice(0, this.#column);
    else if (command === 'J')
      this.#rows = this.#rows.slice(0, this.#row).concat([(this.#rows[this.#row] ?? []).slice(0, this.#column)]);
    else if (command === 'm') for (const number of numbers) this.#style(number);
  }

  #style(number: number): void {
    const name = styleNames[number];
    if (number === 0) this.#styles = [];
    else if (number === 22) this.#styles = this.#styles.filter((style) => style !== 'bold' && style !== 'dim');
    else if (number === 39) this.#styles = this.#styles.filter((style) => style === 'bold' || style === 'dim');
    else if (name) this.#styles = [...this.#styles, name];
  }
}

function runsOf(cells: readonly Cell[]): Run[] {
  const runs: Run[] = [];
  for (const [column, { character, styles }] of cells.entries()) {
    const last = runs.at(-1);
    if (last && last.styles.join() === styles.join()) last.text += character;
    else runs.push({ column, text: character, styles });
  }
  const last = runs.at(-1);
  if (last && last.styles.length === 0) last.text = last.text.trimEnd();
  return runs.filter(({ text }) => text !== '');
}
