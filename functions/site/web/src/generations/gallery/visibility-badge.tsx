/** The visibility of a generation: an icon and a word. */
import type { Schema } from "../../api/client";
import { text } from "../../text";
import { Icon } from "../../ui/icon";

type Generation = Pick<Schema["GenerationView"], "visibility" | "shared_until">;

/** Returns who can see a generation: its owner, people with a link, or everyone. */
export function visibilityOf(generation: Generation, now = Date.now()): "private" | "shared" | "public" {
  if (generation.visibility === "public") return "public";
  const until = generation.shared_until;
  return until && Date.parse(until) > now ? "shared" : "private";
}

const ICONS = { private: "lock", shared: "link", public: "globe" } as const;

export function VisibilityBadge({ generation }: { generation: Generation }) {
  const t = text.value.gallery;
  const visibility = visibilityOf(generation);
  return (
    <span class={`visibility-badge ${visibility}`} title={t.visibilityHints[visibility]}>
      <Icon name={ICONS[visibility]} />
      <span>{t.visibilities[visibility]}</span>
    </span>
  );
}
