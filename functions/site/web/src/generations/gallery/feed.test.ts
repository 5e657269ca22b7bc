import { describe, expect, it } from "vitest";

import { Feed, hide, keyOf } from "./feed";

const FILE = { url: "", content_type: "image/png", bytes: 1, width: 1, height: 1 };

/** Loads a list of two items of one generation, as the public gallery has them, and one item with two outputs. */
async function loaded() {
  const outputs = (...numbers: number[]) => numbers.map((number) => ({ number, file: FILE }));
  const items = [
    { id: "a", outputs: outputs(2) },
    { id: "a", outputs: outputs(1) },
    { id: "b", outputs: outputs(1, 2) },
  ];
  const feed = new Feed(() => Promise.resolve({ items }));
  await feed.loadMore();
  return feed;
}

const keys = (feed: Awaited<ReturnType<typeof loaded>>) => feed.tiles.value.map(({ key }) => key);

describe("Feed", () => {
  it("keeps items of one generation apart, also when their links are refreshed", async () => {
    const feed = await loaded();
    await feed.refresh(0);
    expect(keys(feed)).toEqual(["a:2", "a:1", "b:1", "b:2"]);
  });

  it("hides an image and not its siblings", async () => {
    const feed = await loaded();
    const restore = hide(keyOf("b", 1));
    expect(keys(feed)).toEqual(["a:2", "a:1", "b:2"]);
    restore();
    expect(keys(feed)).toEqual(["a:2", "a:1", "b:1", "b:2"]);
  });
});
