import { h, render } from "preact";
import { act } from "preact/test-utils";
import { expect, test } from "vitest";

import { useQuery } from "./query";

test("what a person changed is not undone by a list that was asked for before", async () => {
  let answer: (data: string[]) => void = () => undefined;
  let query: ReturnType<typeof useQuery<string[]>> | undefined;
  const List = () => {
    query = useQuery(() => new Promise<string[]>((resolve) => (answer = resolve)));
    return h("p", {}, query.data?.join(" "));
  };
  const root = document.createElement("div");
  await act(() => render(h(List, {}), root));
  await act(() => query?.setData(["created"]));
  await act(async () => answer(["older"]));
  expect(root.textContent).toBe("created");
});
