import { defineConfig } from "vite";

// The service serves the built page at /map/; in development its own API is reached by proxy.
const service = "http://127.0.0.1:8080";
const routes = ["/city", "/layers", "/tiles", "/collections", "/processes", "/jobs", "/health"];

export default defineConfig({
  base: "/map/",
  build: {
    target: "es2022",
    chunkSizeWarningLimit: 1200,
    sourcemap: false,
    rolldownOptions: { input: ["index.html", "cgcs2000/index.html"] },
  },
  server: { host: "127.0.0.1", proxy: Object.fromEntries(routes.map((r) => [r, service])) },
});
