import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const page = readFileSync('docs/decisions.md', 'utf8');
const [, ...sections] = page.split(/^## /m);

/** What GitHub makes of a heading, for links to it. */
function anchorOf(heading: string): string {
  const letters = heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '');
  return letters.replaceAll(' ', '-');
}

function dateOf(section: string): string | undefined {
  return /^.*\n\nDecided (20\d\d-\d\d-\d\d)\.\n\n./.exec(section)?.[1];
}

const headings = sections.map((section) => section.split('\n', 1).join());

describe('docs/decisions.md', () => {
  it('gives each decision a date and a text, the oldest first', () => {
    expect(sections.length).toBeGreaterThan(50);
    expect(headings.filter((_, index) => dateOf(sections[index] ?? '') === undefined)).toEqual([]);
    const dates = sections.map(dateOf);
    expect(dates).toEqual(dates.toSorted());
  });

  it('lists each decision once, in their order, by a link that leads to it', () => {
    const listed = page.split('\n').filter((line) => line.startsWith('- ['));
    const expected = sections.map((section, index) => {
      const heading = headings[index] ?? '';
      return `- [${heading}](#${anchorOf(heading)}), ${dateOf(section)}`;
    });
    expect(listed).toEqual(expected);
    expect(new Set(headings.map(anchorOf)).size).toBe(headings.length);
  });
});
