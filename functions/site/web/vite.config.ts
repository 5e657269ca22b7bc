import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";

import { defineConfig, type Plugin, type Rollup } from "vite";

/** The most bytes of compressed JavaScript that the first view of the studio may load. */
const BUDGET_BYTES = 60_000;
/** The modules of that view: the shell, the studio, and the messages of one language. */
const FIRST_VIEW = ["index.html", "src/generations/studio/studio.tsx", "src/text/en.ts"];

/** Reports how much JavaScript the first view of the studio loads, and fails the build above the budget. */
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
      const report = `the studio's first view needs ${total} bytes of compressed JavaScript, of ${BUDGET_BYTES} at most`;
      if (total > BUDGET_BYTES) this.error(report);
      console.log(report);
    },
  };
}

/** Delays the first paint until theme and language are known. */
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

/** Writes compressed copies of text files beside them, from which the server chooses. */
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
  // The local stack serves these pages at its own address. The browser connects here only for reloads.
  server: { port: 5173, strictPort: true, hmr: { clientPort: 5173 } },
  build: {
    target: ["chrome123", "firefox128", "safari17.5"],
    outDir: process.env.SITE_OUT_DIR ?? "dist",
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    // Inlined assets have data: addresses, which the Content-Security-Policy forbids.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        // The console has a folder of its own, which is served to staff only.
        chunkFileNames: ({ moduleIds }) =>
          moduleIds.some((id) => id.includes("/src/staff/"))
            ? "staff/assets/[name]-[hash].js"
            : "assets/[name]-[hash].js",
      },
    },
  },
});
