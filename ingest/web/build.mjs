// Builds each folder of src/ into one script and one stylesheet in static/, and compresses them.

import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const LICENSED = {
  "swagger-ui-dist": ["LICENSE", "NOTICE", "swagger-ui-es-bundle.js.LICENSE.txt"],
};

process.chdir(fileURLToPath(new URL(".", import.meta.url)));
rmSync("static", { recursive: true, force: true });
mkdirSync("static");

const folders = readdirSync("src", { withFileTypes: true }).filter((each) => each.isDirectory());
await build({
  entryPoints: Object.fromEntries(folders.map(({ name }) => [name, `src/${name}/main.ts`])),
  outdir: "static",
  bundle: true,
  minify: true,
  legalComments: "none", // they are in the licences that are copied below
  loader: { ".svg": "dataurl" },
  target: ["es2022"],
});

for (const name of readdirSync("static")) {
  const content = readFileSync(`static/${name}`);
  writeFileSync(`static/${name}.gz`, gzipSync(content, { level: constants.Z_BEST_COMPRESSION }));
}
for (const [name, files] of Object.entries(LICENSED)) {
  for (const file of files) {
    cpSync(`node_modules/${name}/${file}`, `static/licenses/${name}/${file}`);
  }
}
