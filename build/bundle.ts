/** One script out of sources and packages, for a page that runs a part of the product. */
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { build, type Plugin } from "esbuild";

/** A change to one source, as text: `old` occurs once in the file. */
export type Edit = { readonly file: string; readonly old: string; readonly new: string };

/** The script of `entry` with all that it imports, in a scope of its own; `edits` are made to the sources on their way. */
export async function bundleScript(entry: string, edits: readonly Edit[] = []): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
    target: "es2023",
    // Names stay: an error of the product says where it comes from.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    charset: "utf8",
    logLevel: "error",
    plugins: edits.length === 0 ? [] : [planting(edits)],
  });
  return outputFiles[0]!.text;
}

function planting(edits: readonly Edit[]): Plugin {
  return {
    name: "edits",
    setup: (plugin) => {
      plugin.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const name = relative(".", path);
        let contents = readFileSync(path, "utf8");
        for (const { file, old, new: put } of edits.filter((one) => one.file === name)) {
          if (contents.split(old).length !== 2) throw new Error(`${file}: the text to be changed is not there once`);
          contents = contents.replace(old, () => put);
        }
        return { contents, loader: "ts" };
      });
    },
  };
}
