/** Marks images and videos as favorites of their owner. */
import { signal } from "@preact/signals";

import { api, idempotencyHeader, type Schema, unwrap } from "../api/client";
import { ApiError } from "../api/error";
import { text } from "../text";
import { errorMessage } from "../ui/error-message";
import { Icon } from "../ui/icon";
import { showToast } from "../ui/toasts";
import { keyOf } from "./gallery/feed";

type Generation = Schema["GenerationView"];
type Output = Pick<Schema["OutputView"], "number" | "favorite">;

/** The mark of an image or a video, and how to change it. */
export interface FavoriteMark {
  marked: boolean;
  toggle: () => void;
}

/** The marks that are being stored, by the key of their image or video. All lists show them at once. */
export const pendingFavorites = signal<ReadonlyMap<string, boolean>>(new Map());

/** Returns whether an image or a video is a favorite. */
export const isFavorite = (id: string, { number, favorite }: Output) =>
  pendingFavorites.value.get(keyOf(id, number)) ?? favorite;

/** Returns the mark of an image or a video. */
export const favoriteOf = (
  { id }: Generation,
  output: Output,
  onChanged: (generation: Generation) => void,
): FavoriteMark => ({
  marked: isFavorite(id, output),
  toggle: () => void setFavorite(id, output, !isFavorite(id, output), onChanged),
});

/**
 * Marks an image or a video, or unmarks it. It is shown at once, and as before if it fails. Does nothing while an earlier
 * change of it is being stored.
 */
export async function setFavorite(
  id: string,
  { number }: Output,
  favorite: boolean,
  onChanged: (generation: Generation) => void,
): Promise<void> {
  const key = keyOf(id, number);
  if (pendingFavorites.value.has(key)) return;
  pendingFavorites.value = new Map([...pendingFavorites.value, [key, favorite]]);
  try {
    const params = { path: { id, output: number }, ...idempotencyHeader() };
    const body = { favorite };
    onChanged(await unwrap(api.PUT("/v1/generations/{id}/outputs/{output}/favorite", { params, body })));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showToast(errorMessage(error));
  } finally {
    pendingFavorites.value = new Map([...pendingFavorites.value].filter(([other]) => other !== key));
  }
}

/** Returns the icon of a mark. */
export const starOf = ({ marked }: FavoriteMark) => (marked ? "starFilled" : "star");

/** The button above a thumbnail that marks its image or video. */
export function FavoriteButton({ mark }: { mark: FavoriteMark }) {
  const label = text.value.gallery.favorite;
  return (
    <button
      type="button"
      class="favorite-button"
      aria-label={label}
      title={label}
      aria-pressed={mark.marked}
      onClick={mark.toggle}
    >
      <Icon name={starOf(mark)} />
    </button>
  );
}
