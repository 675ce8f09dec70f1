/** The project's sources as syntax trees: what a test of the source asks that no search for words can answer. */
import ts from "@typescript/typescript6";
import type { Source } from "./sources.ts";

/** A method, a getter or a function that stands on its own; `line` counts from 1. Constructors are left out. */
export type Callable = {
  readonly name: string;
  readonly line: number;
  /** It changes what lives longer than its call: its object, or something that it was given or has looked up. */
  readonly changesState: boolean;
  readonly assertions: number;
};

/** A declaration that other files can import; `line` counts from 1. */
export type ExportedName = { readonly name: string; readonly line: number; readonly isDocumented: boolean };

const mutatingMethods = new Set(
  "push pop shift unshift splice set add delete clear fill sort reverse copyWithin".split(" "),
);

function parse({ path, text }: Source): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
}

function lineOf(file: ts.SourceFile, node: ts.Node): number {
  return file.getLineAndCharacterOfPosition(node.getStart()).line + 1;
}

/** `this.#field`, or something that is reached through one. */
function isOwnField(node: ts.Expression): boolean {
  if (ts.isNonNullExpression(node) || ts.isElementAccessExpression(node)) return isOwnField(node.expression);
  if (!ts.isPropertyAccessExpression(node)) return false;
  return node.expression.kind === ts.SyntaxKind.ThisKeyword || isOwnField(node.expression);
}

/** A field of an object, of an array's element too; a plain variable is the call's own. */
function isField(node: ts.Expression): boolean {
  if (ts.isArrayLiteralExpression(node)) return node.elements.some(isField);
  if (ts.isNonNullExpression(node) || ts.isParenthesizedExpression(node)) return isField(node.expression);
  return ts.isPropertyAccessExpression(node) || (ts.isElementAccessExpression(node) && isOwnField(node.expression));
}

function isChange(node: ts.Node): boolean {
  if (ts.isBinaryExpression(node)) {
    const { kind } = node.operatorToken;
    const isAssignment = kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
    return isAssignment && isField(node.left);
  }
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    const isStep = node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken;
    return isStep && isField(node.operand);
  }
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false;
  const { name, expression } = node.expression;
  return mutatingMethods.has(name.text) && isOwnField(expression);
}

function isAssertion(node: ts.Node): boolean {
  return ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === "assert";
}

function count(node: ts.Node, is: (node: ts.Node) => boolean): number {
  let found = is(node) ? 1 : 0;
  ts.forEachChild(node, (child) => {
    found += count(child, is);
  });
  return found;
}

/** What stands in a function counts as that function's, closures too. */
export function callablesOf(source: Source): Callable[] {
  const file = parse(source);
  const found: Callable[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isMethodDeclaration(node) || ts.isFunctionDeclaration(node) || ts.isAccessor(node)) {
      if (node.body === undefined) return;
      const { parent } = node;
      const owner = ts.isClassDeclaration(parent) ? `${parent.name?.text}.` : "";
      found.push({
        name: `${owner}${node.name?.getText() ?? "?"}`,
        line: lineOf(file, node),
        changesState: count(node.body, isChange) > 0,
        assertions: count(node.body, isAssertion),
      });
      return;
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** All that a file declares and exports. What it hands on from another file is documented there. */
export function exportsOf(source: Source): ExportedName[] {
  const file = parse(source);
  const found: ExportedName[] = [];
  const seen = new Set<string>();
  for (const node of file.statements) {
    if (!ts.canHaveModifiers(node)) continue;
    if (!ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) continue;
    const comments = ts.getLeadingCommentRanges(source.text, node.getFullStart()) ?? [];
    const isDocumented = comments.some(({ pos }) => source.text.startsWith("/**", pos));
    const names = ts.isVariableStatement(node)
      ? node.declarationList.declarations.map(({ name }) => name.getText())
      : [(node as ts.DeclarationStatement).name?.getText() ?? "?"];
    for (const name of names) {
      // Of an overloaded function the first form speaks for all.
      if (seen.has(name)) continue;
      seen.add(name);
      found.push({ name, line: lineOf(file, node), isDocumented });
    }
  }
  return found;
}

/** A number written in a source; `name`: of the constant that is made of nothing but numbers, else null. */
export type WrittenNumber = { readonly name: string | null; readonly value: number; readonly line: number };

/** What an expression of nothing but decimal numbers comes to; null: it is something else. */
function numberOf(node: ts.Expression | undefined): number | null {
  if (node === undefined) return null;
  if (ts.isParenthesizedExpression(node)) return numberOf(node.expression);
  if (ts.isNumericLiteral(node)) return node.getText().startsWith("0x") ? null : Number(node.text);
  if (!ts.isBinaryExpression(node)) return null;
  const [left, right] = [numberOf(node.left), numberOf(node.right)];
  if (left === null || right === null) return null;
  switch (node.operatorToken.kind) {
    case ts.SyntaxKind.AsteriskToken:
      return left * right;
    case ts.SyntaxKind.AsteriskAsteriskToken:
      return left ** right;
    case ts.SyntaxKind.PlusToken:
      return left + right;
    case ts.SyntaxKind.MinusToken:
      return left - right;
    case ts.SyntaxKind.SlashToken:
      return left / right;
    default:
      return null;
  }
}

/** Constants of a file, and static and initial fields of its classes, that are a number; and each number of `inlineMin` or more. */
export function numbersOf(source: Source, inlineMin: number): WrittenNumber[] {
  const file = parse(source);
  const found: WrittenNumber[] = [];
  const visit = (node: ts.Node, isTop: boolean): void => {
    const isConstant = isTop && ts.isVariableDeclaration(node) && (node.parent.flags & ts.NodeFlags.Const) !== 0;
    const isProperty = ts.isPropertyDeclaration(node) && node.name.getText().length > 1;
    if (isConstant || isProperty) {
      const value = numberOf(node.initializer);
      // A field that begins at 0 or 1 counts something.
      if (value !== null && (isConstant || value > 1)) {
        found.push({ name: node.name.getText(), value, line: lineOf(file, node) });
        return;
      }
    }
    // Nothing below zero bounds anything.
    if (ts.isPrefixUnaryExpression(node) && numberOf(node.operand) !== null) return;
    if (ts.isBinaryExpression(node) || ts.isNumericLiteral(node)) {
      const value = numberOf(node);
      if (value !== null) {
        if (value >= inlineMin) found.push({ name: null, value, line: lineOf(file, node) });
        return;
      }
    }
    const staysTop = isTop && !ts.isFunctionLike(node) && !ts.isClassLike(node);
    ts.forEachChild(node, (child) => visit(child, staysTop));
  };
  visit(file, true);
  return found;
}
