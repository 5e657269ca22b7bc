/** Icons: strokes on a grid of 24, in the colour of the surrounding text. Each one has a text beside it or a label. */
const STAR =
  "M12 3.500l2.600 5.400 5.900.8-4.300 4.100 1.050 5.900L12 16.850 6.750 19.700 7.800 13.800 3.500 9.700l5.900-.8z";
const PATHS = {
  create: "M4 20l4-1L19 8l-3-3L5 16zM14 7l3 3",
  gallery: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01",
  credits:
    "M12 3v18M16.5 7.5C15.5 6 14 5.5 12 5.5c-2.500 0-4.500 1-4.500 3.250S9.500 12 12 12s5 .9 5 3.250-2.200 3.250-5 3.250c-2.300 0-4-.6-5-2.200",
  privacy: "M12 3l7 3v5c0 4.500-2.800 8-7 10-4.200-2-7-5.500-7-10V6zM9 12l2 2 4-4",
  account: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.500 20c.8-3.600 3.800-5.500 7.500-5.500s6.700 1.900 7.500 5.500",
  close: "M6 6l12 12M18 6L6 18",
  previous: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  zoomIn: "M12 5v14M5 12h14",
  zoomOut: "M5 12h14",
  zoomFit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5",
  star: STAR,
  starFilled: STAR,
  lock: "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
  globe:
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3 12h18M12 3c3 3 3.500 6 3.500 9s-.5 6-3.500 9c-3-3-3.500-6-3.500-9S9 6 12 3z",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.700-5.700L12 7M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.700 5.700L12 17",
  video: "M4 5h16v14H4zM10 9v6l5-3z",
  play: "M8 5v14l11-7z",
  retry: "M20 11a8 8 0 1 0-2.300 6.300M20 5v6h-6",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l4.500 4.500",
  upload: "M12 16V5M7 9l5-5 5 5M5 20h14",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "M5 12.500l4.500 4.500L19 7.500",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5.500M12 8h.01",
  eye: "M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
} as const;

export type IconName = keyof typeof PATHS;

/** Icons that are mirrored in right-to-left languages. */
const MIRRORED: IconName[] = ["previous", "next"];
/** Icons that are filled. */
const FILLED: IconName[] = ["starFilled"];

export function Icon({ name }: { name: IconName }) {
  const classes = ["icon-svg", MIRRORED.includes(name) && "mirrored", FILLED.includes(name) && "filled"];
  return (
    <svg class={classes.filter(Boolean).join(" ")} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
