import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";

import { defineConfig, type Plugin, type Rollup } from "vite";

/** Most bytes of JavaScript, compressed, that the studio may need before it shows. */
const BUDGET = 60_000;
/** The modules of the studio's first view: the shell, the studio itself, the words in one language. */
const FIRST_VIEW = ["index.html", "src/generations/studio/studio.tsx", "src/text/en.ts"];

/** Fails the build when the studio's first view needs more JavaScript than the budget, and says how much it needs. */
function budget(): Plugin {
  return {
    name: "budget",
    apply: "build",
    async writeBundle(options, bundle) {
      const chunks = Object.values(bundle).filter((output) => output.type === "chunk");
      const needed = new Set<string>();
      const visit = (chunk: Rollup.OutputChunk | undefined) => {
        if (!chunk || needed.has(chunk.fileName)) return;
        needed.add(chunk.fileName);
        for (const name of chunk.imports) visit(chunks.find((other) => other.fileName === name));
      };
      for (const entry of FIRST_VIEW) {
        const chunk = chunks.find((chunk) => chunk.facadeModuleId?.endsWith(entry));
        if (!chunk) this.error(`no chunk begins at ${entry}: the budget cannot be counted`);
        visit(chunk);
      }
      const sizes = await Promise.all(
        [...needed].map(async (name) => (await compress(await readFile(join(options.dir ?? "", name)))).gzip.length),
      );
      const total = sizes.reduce((sum, size) => sum + size, 0);
      const said = `the studio's first view needs ${total} bytes of compressed JavaScript, of ${BUDGET} at most`;
      if (total > BUDGET) this.error(said);
      console.log(said);
    },
  };
}

/** Nothing is painted before theme and language are known. */
function blocking(): Plugin {
  return {
    name: "blocking",
    transformIndexHtml: {
      order: "post",
      handler: (html) => html.replace('<script type="module"', '<script type="module" blocking="render"'),
    },
  };
}

async function compress(body: Buffer): Promise<{ br: Buffer; gzip: Buffer }> {
  const [br, zipped] = await Promise.all([promisify(brotliCompress)(body), promisify(gzip)(body, { level: 9 })]);
  return { br, gzip: zipped };
}

/** Writes what text compresses to beside it, so that the server only chooses. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    enforce: "post",
    async closeBundle() {
      const folder = this.environment.config.build.outDir;
      for (const name of await readdir(folder, { recursive: true })) {
        if (!/\.(js|css|html|svg)$/.test(name)) continue;
        const { br, gzip } = await compress(await readFile(join(folder, name)));
        await writeFile(join(folder, `${name}.br`), br);
        await writeFile(join(folder, `${name}.gz`), gzip);
      }
    },
  };
}

export default defineConfig({
  plugins: [blocking(), budget(), compressed()],
  build: {
    target: ["chrome123", "firefox128", "safari17.5"],
    outDir: process.env.SITE_OUT_DIR ?? "dist",
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    // A data: address would need a hole in the policy for every kind of content.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
});
