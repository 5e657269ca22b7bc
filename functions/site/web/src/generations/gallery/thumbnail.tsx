/**
 * A picture that is not there yet and then is: its place and its thumbhash come with the listing, so nothing moves when the
 * bytes arrive, and the picture develops out of its own blur.
 */
import "./thumbnail.css";

import { useEffect, useRef, useState } from "preact/hooks";
import { thumbHashToRGBA } from "thumbhash";

import type { Schema } from "../../api/client";
import { Icon } from "../../ui/icon";

type Media = Schema["MediaView"];

interface Properties {
  media: Media;
  alt: string;
  /** Called when the link to the file has died. */
  onStale?: () => void;
}

export function Picture({ media, alt, onStale }: Properties) {
  const [there, arrive] = useState(false);
  const source = media.thumbnail_url ?? (media.content_type.startsWith("image/") ? media.url : undefined);
  // A link is renewed while its picture is shown: the bytes that are there already are as good.
  const shown = useRef(source);
  if (!there) shown.current = source;
  // Once: a file that is gone is gone with another link too.
  const told = useRef(false);
  const fail = () => {
    if (!told.current) onStale?.();
    told.current = true;
  };
  return (
    <span class={there ? "picture there" : "picture"}>
      <Blur hash={media.thumbhash} />
      {shown.current && (
        <img
          src={shown.current}
          alt={alt}
          width={media.width}
          height={media.height}
          decoding="async"
          draggable={false}
          onLoad={() => arrive(true)}
          onError={fail}
        />
      )}
      {media.content_type.startsWith("video/") && (
        <span class="film">
          <Icon name="play" />
        </span>
      )}
    </span>
  );
}

/** A [ThumbHash](https://evanw.github.io/thumbhash/), painted. */
export function Blur({ hash }: { hash?: string | null | undefined }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!hash || !context || !canvas.current) return;
    const { w, h, rgba } = thumbHashToRGBA(Uint8Array.from(atob(hash), (letter) => letter.charCodeAt(0)));
    canvas.current.width = w;
    canvas.current.height = h;
    context.putImageData(new ImageData(Uint8ClampedArray.from(rgba), w, h), 0, 0);
  }, [hash]);
  return <canvas class="blur" ref={canvas} width={1} height={1} />;
}
