/** The visibility of an image or a video: an icon and a word. */
import type { Schema } from "../../api/client";
import { text } from "../../text";
import { Icon } from "../../ui/icon";

type Output = Pick<Schema["OutputView"], "visibility" | "shared_until">;

/** Returns who can see an image or a video: its owner, people with a link, or everyone. */
export function visibilityOf(output: Output, now = Date.now()): "private" | "shared" | "public" {
  if (output.visibility === "public") return "public";
  const until = output.shared_until;
  return until && Date.parse(until) > now ? "shared" : "private";
}

const ICONS = { private: "lock", shared: "link", public: "globe" } as const;

export function VisibilityBadge({ output }: { output: Output }) {
  const t = text.value.gallery;
  const visibility = visibilityOf(output);
  return (
    <span class={`visibility-badge ${visibility}`} title={t.visibilityHints[visibility]}>
      <Icon name={ICONS[visibility]} />
      <span>{t.visibilities[visibility]}</span>
    </span>
  );
}
