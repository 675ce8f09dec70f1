/** Every exported declaration has a doc comment: what it is, or what holds when it returns; units, ranges and errors. */
import test from "ava";
import { type Source, sources } from "./support/sources.ts";
import { exportsOf } from "./support/syntax.ts";

const folders = ["core", "checker", "sim", "server", "chaos", "mutation", "build", "bench"] as const;

function undocumented(source: Source): string[] {
  return exportsOf(source)
    .filter(({ isDocumented }) => !isDocumented)
    .map(({ name, line }) => `${source.path}:${line} ${name}`);
}

const all = folders.flatMap((folder) => sources(folder));

test("every export has a doc comment", (t) => {
  t.true(all.flatMap(exportsOf).length > 900);
  t.deepEqual(all.flatMap(undocumented), []);
});

for (const [what, text, names] of [
  ["a function", "export function f(): void {}", ["f"]],
  ["a class", "import x from './x';\nexport class C {}", ["C"]],
  ["a type", "/** Of the one before. */\nexport type A = 1;\nexport type B = 2;", ["B"]],
  ["an interface", "// Not a doc comment.\nexport interface I {}", ["I"]],
  ["constants", "export const a = 1, b = 2;", ["a", "b"]],
  ["a comment above the imports is the file's", "/** A file. */\nimport x from './x';\nexport const a = x;", ["a"]],
  ["what is only handed on", "export { x } from './x';\nexport type { Y } from './y';", []],
  ["what nobody else sees", "function f(): void {}\nconst a = 1;", []],
  ["a second form of one function", "/** Twice. */\nexport function f(a: 1): 1;\nexport function f(a: 2): 2;", []],
] as const) {
  test(`a planted export is judged: ${what}`, (t) => {
    const found = undocumented({ path: "core/bad.ts", text }).map((line) => line.split(" ")[1]);
    t.deepEqual(found, [...names]);
  });
}
