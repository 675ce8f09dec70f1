/** TypeScript to JavaScript, and whether a mutant compiles: a mutant that does not is an error, and is never run. */
import { dirname, resolve } from "node:path";
import ts from "@typescript/typescript6";
import { applyMutant, type Mutant, MutantError } from "./mutant.ts";

const emitOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ES2022,
  rewriteRelativeImportExtensions: true,
  verbatimModuleSyntax: true,
};

/** Texts of sources by their paths: what stands in the compiled product, by the paths there. Types are not looked at. */
export function compiled(texts: ReadonlyMap<string, string>): Map<string, string> {
  return new Map(
    [...texts].map(([file, text]) => [
      file.replace(/\.ts$/, ".js"),
      ts.transpileModule(text, { compilerOptions: emitOptions, fileName: file }).outputText,
    ]),
  );
}

/** Judges sources with mutants in them by the project's own options; what is unused is no error. Works at the project's root. */
class TypeCheck {
  readonly #options: ts.CompilerOptions;
  /** What no source imports, and every one may use. */
  readonly #declarations: readonly string[];
  readonly #host: ts.CompilerHost;
  readonly #asTheyAre = new Map<string, ts.SourceFile | undefined>();
  #changed: ReadonlyMap<string, string> = new Map();
  #program: ts.Program | undefined;

  constructor() {
    const { config } = ts.readConfigFile("tsconfig.json", (path) => ts.sys.readFile(path)) as { config: object };
    const parsed = ts.parseJsonConfigFileContent({ ...config, include: ["core", "sim", "checker"] }, ts.sys, ".");
    this.#options = { ...parsed.options, noEmit: true, noUnusedLocals: false, noUnusedParameters: false };
    this.#declarations = parsed.fileNames.filter((file) => file.endsWith(".d.ts"));
    this.#host = ts.createCompilerHost(this.#options);
    const read = this.#host.getSourceFile.bind(this.#host);
    this.#host.getSourceFile = (path, how) => {
      const changed = this.#changed.get(resolve(path));
      if (changed !== undefined) return ts.createSourceFile(path, changed, how, true);
      if (!this.#asTheyAre.has(path)) this.#asTheyAre.set(path, read(path, how));
      return this.#asTheyAre.get(path);
    };
  }

  /** The first error in each of the files, by its path from the root. */
  errorsIn(texts: ReadonlyMap<string, string>): Map<string, string> {
    this.#changed = new Map([...texts].map(([file, text]) => [resolve(file), text]));
    this.#program = ts.createProgram({
      rootNames: [...this.#declarations, ...this.#changed.keys()],
      options: this.#options,
      host: this.#host,
      ...(this.#program === undefined ? {} : { oldProgram: this.#program }),
    });
    const errors = new Map<string, string>();
    for (const file of texts.keys()) {
      const source = this.#program.getSourceFile(resolve(file));
      if (source === undefined) throw new Error(`${file} is no source of the product`);
      const [first] = [
        ...this.#program.getSyntacticDiagnostics(source),
        ...this.#program.getSemanticDiagnostics(source),
      ];
      if (first !== undefined) errors.set(file, wordsOf(first));
    }
    return errors;
  }
}

function wordsOf({ file, start, messageText, code }: ts.Diagnostic): string {
  const words = ts.flattenDiagnosticMessageText(messageText, " ");
  if (file === undefined || start === undefined) return `TS${code}: ${words}`;
  const { line, character } = file.getLineAndCharacterOfPosition(start);
  return `${file.fileName.replace(`${dirname(resolve("x"))}/`, "")}:${line + 1}:${character + 1}: TS${code}: ${words}`;
}

/** Mutants of different files are looked at together, so that a whole list takes seconds. */
function groupsOf(mutants: readonly Mutant[]): Map<Mutant, ReadonlyMap<string, string>>[] {
  const groups: { texts: Map<Mutant, ReadonlyMap<string, string>>; files: Set<string> }[] = [];
  for (const mutant of mutants) {
    const texts = applyMutant(mutant);
    let group = groups.find(({ files }) => [...texts.keys()].every((file) => !files.has(file)));
    if (group === undefined) groups.push((group = { texts: new Map(), files: new Set() }));
    group.texts.set(mutant, texts);
    for (const file of texts.keys()) group.files.add(file);
  }
  return groups.map(({ texts }) => texts);
}

/** Throws MutantError for the first of `mutants` that does not apply or does not compile. */
export function mustCompile(mutants: readonly Mutant[]): void {
  const check = new TypeCheck();
  for (const group of groupsOf(mutants)) {
    const errors = check.errorsIn(new Map([...group.values()].flatMap((texts) => [...texts])));
    for (const [mutant, texts] of group) {
      if (![...texts.keys()].some((file) => errors.has(file))) continue;
      // The error may come from what another mutant has changed.
      const [own] = check.errorsIn(texts).values();
      if (own !== undefined) throw new MutantError(`"${mutant.name}" does not compile: ${own}`);
    }
  }
}
