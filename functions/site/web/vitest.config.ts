import { defineConfig } from "vitest/config";

export default defineConfig({
  // A test reads the sources of the API, for the types of its problems.
  server: { fs: { allow: ["../../.."] } },
  test: {
    environment: "happy-dom",
    environmentOptions: { happyDOM: { url: "https://darkroom.example/" } },
    include: ["src/**/*.test.ts"],
    restoreMocks: true,
  },
});
