/**
 * The terms as a text that people edit: a line with `# ` is the title of a section, lines with `- ` are its list, and all other lines
 * are its text.
 */
import type { Schema } from "../api/client";

type Section = Schema["TermsSection"];

/** Returns the text of sections. */
export const textOf = (sections: readonly Section[]): string =>
  sections
    .map(({ title, text, items = [] }) => [`# ${title}`, text, ...items.map((item) => `- ${item}`)].join("\n"))
    .join("\n\n");

/** Returns the sections of a text. What stands before the first title is a section without one, which the API refuses. */
export function sectionsOf(text: string): Section[] {
  const sections: Section[] = [];
  for (const line of text.split("\n").map((line) => line.trim())) {
    if (line.startsWith("# ")) {
      sections.push({ title: line.slice(2).trim(), text: "" });
    } else if (line) {
      const section = sections.at(-1) ?? { title: "", text: "" };
      if (sections.length === 0) sections.push(section);
      if (line.startsWith("- ")) section.items = [...(section.items ?? []), line.slice(2).trim()];
      else section.text = section.text ? `${section.text} ${line}` : line;
    }
  }
  return sections;
}
