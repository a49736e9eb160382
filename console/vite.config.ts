import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// The admin API that `npm run dev` talks to: the mock's, or that of a running `sofa dev`.
const api = process.env.SOFA_ADMIN ?? "http://127.0.0.1:9909";

/** Fonts are asked for with the page, so that the first paint has them and nothing moves later. */
const preloadFonts: Plugin = {
  name: "preload-fonts",
  transformIndexHtml: {
    order: "post",
    handler: (_, { bundle }) =>
      Object.keys(bundle ?? {})
        .filter((name) => name.endsWith(".woff2"))
        .map((name) => ({ tag: "link", attrs: { rel: "preload", href: `/console/${name}`, as: "font", type: "font/woff2", crossorigin: "" }, injectTo: "head" as const })),
  },
};

export default defineConfig({
  base: "/console/",
  plugins: [react(), preloadFonts],
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // the content security policy takes no data: scripts or fonts
    reportCompressedSize: false,
  },
  server: { proxy: { "/v1": api } },
});
