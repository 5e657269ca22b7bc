/** Who sees a picture, at a glance: a sign and a word. */
import type { Schema } from "../../api/client";
import { text } from "../../text";
import { Icon } from "../../ui/icon";

type Generation = Pick<Schema["GenerationView"], "visibility" | "shared_until">;

/** Who sees it. */
export function seenBy(generation: Generation): "private" | "public" | "shared" {
  if (generation.visibility === "public") return "public";
  const until = generation.shared_until;
  return until && Date.parse(until) > Date.now() ? "shared" : "private";
}

const SIGNS = { private: "lock", public: "globe", shared: "link" } as const;

export function Mark({ generation }: { generation: Generation }) {
  const t = text.value.gallery;
  const seen = seenBy(generation);
  return (
    <span class={`mark-seen ${seen}`} title={t[`${seen}Means`]}>
      <Icon name={SIGNS[seen]} />
      <span>{t[seen]}</span>
    </span>
  );
}
