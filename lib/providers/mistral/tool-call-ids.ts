import { sha256 } from '../../records/digest.ts';

// Mistral's error 3280 says it. Source: https://github.com/nearai/ironclaw/issues/1241, read 2026-11.
const takenAsItIs = /^[a-zA-Z0-9]{9}$/;

/** Ids of tool calls as Mistral takes them, nine letters and digits: the same for the same, within one conversation. */
export class ToolCallIds {
  readonly #idByGiven = new Map<string, string>();
  readonly #used = new Set<string>();

  idFor(given: string): string {
    const known = this.#idByGiven.get(given);
    if (known !== undefined) return known;
    const id = this.#unused(given);
    this.#used.add(id);
    this.#idByGiven.set(given, id);
    return id;
  }

  #unused(given: string): string {
    if (takenAsItIs.test(given) && !this.#used.has(given)) return given;
    for (let attempt = 0; ; attempt += 1) {
      const id = sha256(`${attempt}:${given}`).slice(0, 9);
      if (!this.#used.has(id)) return id;
    }
  }
}
