/** Pages are files: checked, linted, and put together by the build into one file that loads nothing. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import test from "ava";
import ts from "@typescript/typescript6";
import { assemblePage } from "../build/page.ts";
import { linkScript } from "../build/script.ts";
import { dataHtml, element, filled } from "../checker/view/html.ts";

function scratch(): string {
  return mkdtempSync(join(tmpdir(), "metastore-pages-"));
}

/** Writes the files into a folder that is there while `use` runs. */
function withFiles<T>(files: Readonly<Record<string, string>>, use: (folder: string) => T): T {
  const folder = scratch();
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// --- no page in a string

const tag =
  /<(?:!doctype|\/?(?:html|head|body|meta|style|script|title|div|span|p|h[1-6]|ul|ol|li|table|tr|td|th|a|b|br|code|pre|kbd|img|label|input|select|option|button|iframe|svg|g|rect|line|polyline|path|circle|text))(?=[\s/>])/i;
const styleRule = /[\w#.-]+\s*\{\s*[a-z-]+:[^{};]*;/;

/** The strings of a source that hold HTML or CSS. */
function pageStrings(path: string, source: string): string[] {
  // Most sources need not be parsed.
  if (!tag.test(source) && !styleRule.test(source)) return [];
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const isString = ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node);
    if (isString && (tag.test(node.text) || styleRule.test(node.text)))
      found.push(`${path}: ${node.text.slice(0, 60)}`);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, source, ts.ScriptTarget.ES2023));
  return found;
}

test("no HTML and no CSS of a page is in a string of a source", (t) => {
  const folders = ["core", "checker", "sim", "server", "chaos", "bench", "pages"];
  const paths = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join(folder, name)),
  );
  t.true(paths.length > 200);
  t.deepEqual(
    paths.flatMap((path) => pageStrings(path, readFileSync(path, "utf8"))),
    [],
  );
});

for (const [what, source] of [
  ["an element", "const item = `<li>${text}</li>`;"],
  ["a document", 'const page = "<!doctype html>";'],
  ["a rule of a style", 'const style = ".bar { fill: red; }";'],
] as const) {
  test(`a planted string is noticed: ${what}`, (t) => t.is(pageStrings("planted.ts", source).slice(0, 1).length, 1));
}

// --- styles and scripts fit their pages

const pages = [
  { folder: "pages/checker", fills: ["checker/view/page.ts"] },
  { folder: "pages/sim", fills: ["sim/report/page.ts"] },
  { folder: "pages/chaos", fills: ["chaos/report/page.ts"] },
  { folder: "pages/playground", fills: [] },
];

for (const { folder, fills } of pages) {
  const sources = readdirSync(folder).filter((name) => !name.endsWith(".css"));
  const text = [...sources.map((name) => join(folder, name)), ...fills]
    .map((path) => readFileSync(path, "utf8"))
    .join("");

  test(`every class and id that the style of ${folder} names is in the page`, (t) => {
    const selectors = readFileSync(join(folder, "page.css"), "utf8").replaceAll(/\{[^{}]*\}/g, "");
    const names = [...selectors.matchAll(/[.#]([a-z][\w-]*)/g)].map(([, name]) => name!);
    t.true(names.length > 3);
    for (const name of names) t.regex(text, new RegExp(`["\`# ]${name}["\` ]`), name);
  });

  test(`every id that the script of ${folder} asks for is in the page`, (t) => {
    const html = readFileSync(join(folder, "page.html"), "utf8");
    const asked = [...text.matchAll(/find\("#(\w+)/g)].map(([, id]) => id!);
    t.deepEqual(
      asked.filter((id) => !html.includes(`id="${id}"`)),
      [],
    );
  });
}

test("every class that the style of logs names is in what draws them, or in each page that has logs", (t) => {
  const selectors = readFileSync("pages/logs.css", "utf8").replaceAll(/\{[^{}]*\}/g, "");
  const names = [...selectors.matchAll(/[.#]([a-z][\w-]*)/g)].map(([, name]) => name!);
  t.true(names.length > 20);
  const script = readFileSync("pages/log-view.ts", "utf8");
  for (const page of ["pages/sim/page.html", "pages/playground/page.html"]) {
    const text = script + readFileSync(page, "utf8");
    for (const name of names) t.regex(text, new RegExp(`["\`# ]${name}["\` ]`), `${page}: ${name}`);
  }
});

/** Runs a command of the project in a copy of its pages and of what they import, with `change` made to one file. */
async function lintCopy(command: string, path: string, change: string): Promise<{ code: number; output: string }> {
  const folder = scratch();
  try {
    const copied = [
      "pages",
      "checker",
      "sim",
      "core",
      "package.json",
      "tsconfig.json",
      ".oxlintrc.json",
      ".oxfmtrc.json",
    ];
    for (const name of copied) cpSync(name, join(folder, name), { recursive: true });
    symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
    const file = join(folder, path);
    writeFileSync(file, readFileSync(file, "utf8") + change);
    const [name, ...args] = command.split(" ") as [string, ...string[]];
    const program = name === "node" ? process.execPath : join("node_modules/.bin", name);
    return await new Promise((done) => {
      const child = execFile(program, args, { cwd: folder }, (_, out, err) => {
        done({ code: child.exitCode ?? -1, output: out + err });
      });
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const lints = "oxlint --type-aware --deny-warnings pages";
const compiles = "node node_modules/typescript/bin/tsc --noEmit -p pages";
for (const [what, command, path, change, code] of [
  ["the scripts as they are", lints, "pages/checker/page.ts", "", 0],
  ["a promise of the browser that nobody awaits", lints, "pages/checker/page.ts", '\nfetch("/");\n', 1],
  ["the styles and the HTML as they are", "oxfmt --check pages", "pages/base.css", "", 0],
  ["a style that does not parse", "oxfmt --check pages", "pages/sim/page.css", ".x { color: red", 2],
  ["HTML that does not parse", "oxfmt --check pages", "pages/chaos/page.html", "<p></div>\n", 2],
  ["a style out of shape", "oxfmt --check pages", "pages/base.css", ".x{color:red}\n", 1],
  ["every name as it is", compiles, "pages/sim/page.ts", "", 0],
  ["a name that the browser does not have", compiles, "pages/sim/page.ts", "\nfind(process);\n", 1],
] as const) {
  test.serial(`pages are linted: ${what}`, async (t) => {
    const { lint, build } = (JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> })
      .scripts;
    t.true(
      lint!.includes("oxfmt --check") && lint!.includes("oxlint --type-aware") && build!.includes("bin/tsc -p pages"),
    );
    const ended = await lintCopy(command, path, change);
    t.is(ended.code, code, ended.output);
  });
}

// --- put together

const html = '<title>{{title}}</title>\n<link rel="stylesheet" href="page.css" />\n<script src="page.ts"></script>\n';

test("a page is one file: style and script are in it, and modules are in the order of their imports", (t) => {
  const files = {
    "page.html": html,
    "page.css": ".a { color: red; }\n",
    "page.js": 'import { two } from "./two.js";\nexport const one = two + 1;\nexport {};\n',
    "two.js": "export const two = 2;\n",
  };
  withFiles(files, (folder) => {
    t.is(
      assemblePage(join(folder, "page.html"), "/"),
      '<title>{{title}}</title>\n<style>\n.a { color: red; }\n</style>\n<script>\n"use strict";\n{\nconst two = 2;\nconst one = two + 1;\n}\n</script>\n',
    );
  });
});

for (const [what, page] of [
  ["a script from elsewhere", '<script src="https://example.org/x.js"></script>'],
  ["a style from elsewhere", '<link rel="stylesheet" href="//example.org/x.css">'],
  ["an image from elsewhere", '<img src="http://example.org/x.png">'],
] as const) {
  test(`a page that loads something is refused: ${what}`, (t) => {
    withFiles({ "page.html": page }, (folder) => t.throws(() => assemblePage(join(folder, "page.html"), folder)));
  });
}

for (const [what, source, message] of [
  ["a package", 'import x from "x";\n', /cannot be put into one script/],
  ["a renamed import", 'import { two as three } from "./two.js";\n', /cannot be put into one script/],
  ["another module's export", 'export * from "./two.js";\n', /cannot be put into one script/],
  ["a name that is declared twice", 'import { two } from "./two.js";\nfunction two() {}\n', /already been declared/],
  ["the end of the script", 'const end = "</script>";\n', /take for its own/],
] as const) {
  test(`a script that cannot be linked is refused: ${what}`, (t) => {
    withFiles({ "page.js": source, "two.js": "export function two() {}\n" }, (folder) =>
      t.throws(() => linkScript(join(folder, "page.js")), { message }),
    );
  });
}

test("what fills a template is escaped once, in one pass, and every place is filled", (t) => {
  const text = filled("<p>{{a}}</p>{{b}}", { a: '<{{b}} & "', b: element("li", { title: '"' }, "<x>") });
  t.is(text, '<p>&lt;{{b}} &amp; &quot;</p><li title="&quot;">&lt;x&gt;</li>');
  t.is(filled("{{data}}", { data: dataHtml({ a: "</script>$&" }) }), '{"a":"\\u003c/script>$&"}');
  t.throws(() => filled("{{a}}", {}), { message: /says nothing for/ });
  t.throws(() => filled("", { a: "" }), { message: /no place for a/ });
});
