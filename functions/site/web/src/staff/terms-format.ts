/**
 * The terms as a text that people edit: a line with `# ` is the title of a section, lines with `- ` are its list, and all other lines
 * are its text, in paragraphs that an empty line parts.
 */
import type { Schema } from "../api/client";

type Section = Schema["TermsSection"];

/** Returns the text of sections. */
export const textOf = (sections: readonly Section[]): string =>
  sections
    .map(({ title, text, items = [] }) => {
      const paragraphs = text.replaceAll("\n", "\n\n");
      return [`# ${title}`, paragraphs, ...items.map((item) => `- ${item}`)].join("\n");
    })
    .join("\n\n");

/**
 * Returns the sections of a text. What has no place, before the first title or after a list, is a section without a title, which the API
 * refuses.
 */
export function sectionsOf(text: string): Section[] {
  const sections: Section[] = [];
  let follows = false;
  for (const line of text.split("\n").map((line) => line.trim())) {
    const section = sections.at(-1);
    if (line.startsWith("# ")) {
      sections.push({ title: line.slice(2).trim(), text: "" });
    } else if (line.startsWith("- ") && section) {
      section.items = [...(section.items ?? []), line.slice(2).trim()];
    } else if (line && (!section || (section.items && !follows))) {
      sections.push({ title: "", text: line });
    } else if (line && section?.items) {
      section.items = [...section.items.slice(0, -1), `${section.items.at(-1)} ${line}`];
    } else if (line && section) {
      section.text += (section.text && (follows ? " " : "\n") + line) || line;
    }
    follows = line !== "" && !line.startsWith("# ");
  }
  return sections;
}
