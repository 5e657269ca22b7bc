import { beforeEach, describe, expect, it, vi } from "vitest";

import { interceptLinks, matchPath, navigate, path, query } from "./router";
import { ROUTES } from "./routes";

describe("matchPath", () => {
  it("returns the parameters of a path", () => {
    expect(matchPath("/gallery/{id}", "/gallery/42")).toEqual({ id: "42" });
    expect(matchPath("/s/{token}", "/s/a%2Fb")).toEqual({ token: "a/b" });
  });

  it("ignores a slash at the end", () => {
    expect(matchPath("/credits", "/credits/")).toEqual({});
    expect(matchPath("/", "/")).toEqual({});
  });

  it("returns nothing for another path", () => {
    expect(matchPath("/gallery/{id}", "/gallery")).toBeUndefined();
    expect(matchPath("/gallery/{id}", "/gallery/42/more")).toBeUndefined();
    expect(matchPath("/credits", "/privacy")).toBeUndefined();
  });

  it("keeps a segment that is not valid percent-encoding", () => {
    expect(matchPath("/s/{token}", "/s/%E0%A4%A")).toEqual({ token: "%E0%A4%A" });
  });
});

describe("routes", () => {
  it("are unique, and fixed paths come before patterns that match them", () => {
    const paths = ROUTES.map(({ pattern }) => pattern);
    expect(new Set(paths).size).toBe(paths.length);
    for (const fixed of paths.filter((pattern) => !pattern.includes("{"))) {
      expect(paths.find((pattern) => matchPath(pattern, fixed))).toBe(fixed);
    }
  });

  it("load a page each", async () => {
    // The console is loaded once the service has let it.
    vi.stubGlobal("fetch", async () => Response.json({}));
    for (const { pattern, load } of ROUTES) expect(typeof (await load()), pattern).toBe("function");
  });
});

describe("navigation", () => {
  interceptLinks();
  beforeEach(() => navigate("/", "replace"));

  const click = (attributes: Record<string, string>) => {
    const link = Object.assign(document.createElement("a"), { textContent: "link" });
    for (const [name, value] of Object.entries(attributes)) link.setAttribute(name, value);
    document.body.append(link);
    const event = new MouseEvent("click", { bubbles: true, cancelable: true });
    link.dispatchEvent(event);
    link.remove();
    return event.defaultPrevented;
  };

  it("follows links within the client without a reload", () => {
    expect(click({ href: "/gallery?n=2" })).toBe(true);
    expect([path.value, query.value.get("n")]).toEqual(["/gallery", "2"]);
  });

  it("leaves other links to the browser", () => {
    document.addEventListener("click", (event) => event.preventDefault());
    const links: Record<string, string>[] = [
      { href: "/v1/openapi.json" },
      { href: "https://other.example/" },
      { href: "/gallery", target: "_blank" },
      { href: "/a.png", download: "" },
    ];
    for (const attributes of links) {
      click(attributes);
      expect(path.value, JSON.stringify(attributes)).toBe("/");
    }
  });
});
