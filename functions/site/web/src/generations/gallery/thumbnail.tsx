/**
 * A thumbnail. Its size and its blurred placeholder come with the list, so nothing moves when the image arrives, and the
 * image fades in above the placeholder.
 */
import "./thumbnail.css";

import { useEffect, useRef, useState } from "preact/hooks";
import { thumbHashToRGBA } from "thumbhash";

import type { Schema } from "../../api/client";
import { Icon } from "../../ui/icon";

interface Properties {
  media: Schema["MediaView"];
  alt: string;
  /** Called when the link to the file has expired. */
  onStale?: () => void;
}

export function Thumbnail({ media, alt, onStale }: Properties) {
  const [loaded, setLoaded] = useState(false);
  const source = media.thumbnail_url ?? (media.content_type.startsWith("image/") ? media.url : undefined);
  // A refreshed link leads to the same file: an image that is loaded stays.
  const shown = useRef(source);
  if (!loaded) shown.current = source;
  // Reported once: a file that was deleted does not load with another link either.
  const reported = useRef(false);
  const report = () => {
    if (!reported.current) onStale?.();
    reported.current = true;
  };
  return (
    <span class={loaded ? "thumbnail loaded" : "thumbnail"}>
      <Placeholder hash={media.thumbhash} />
      {shown.current && (
        <img
          src={shown.current}
          alt={alt}
          width={media.width}
          height={media.height}
          decoding="async"
          draggable={false}
          onLoad={() => setLoaded(true)}
          onError={report}
        />
      )}
      {media.content_type.startsWith("video/") && (
        <span class="video-badge">
          <Icon name="play" />
        </span>
      )}
    </span>
  );
}

/** A blurred placeholder, painted from a [ThumbHash](https://evanw.github.io/thumbhash/). */
export function Placeholder({ hash }: { hash?: string | null | undefined }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!hash || !context || !canvas.current) return;
    const { w, h, rgba } = thumbHashToRGBA(Uint8Array.from(atob(hash), (character) => character.charCodeAt(0)));
    canvas.current.width = w;
    canvas.current.height = h;
    context.putImageData(new ImageData(Uint8ClampedArray.from(rgba), w, h), 0, 0);
  }, [hash]);
  // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a canvas without content is not focusable
  return <canvas class="placeholder" ref={canvas} width={1} height={1} aria-hidden="true" />;
}
