/** Which operations of a key speak of the same values, or of values that compare-and-sets tie together. */
import type { Operation } from "./history.ts";

/** For each operation but deletes and failed compare-and-sets the group it is in; absence is a value only where `withAbsence`. */
export function chainsOf(operations: readonly Operation[], withAbsence: boolean): Map<Operation, readonly Operation[]> {
  const parent = new Map<string | null, string | null>();
  const find = (value: string | null): string | null => {
    let at = value;
    for (let up = parent.get(at); up !== undefined; up = parent.get(at)) at = up;
    return at;
  };
  const valuesOf = (operation: Operation): (string | null)[] => {
    const values = operation.op === "cas" ? operation.value : [operation.value];
    return values.filter((value) => value !== null || withAbsence);
  };
  const inGroups = operations.filter(({ op, outcome }) => op !== "delete" && outcome !== "mismatch");
  for (const operation of inGroups) {
    const [first, second] = valuesOf(operation).map(find);
    if (first !== undefined && second !== undefined && first !== second) parent.set(second, first);
  }
  const groups = new Map<string | null, Operation[]>();
  const groupOf = new Map<Operation, readonly Operation[]>();
  for (const operation of inGroups) {
    const [value] = valuesOf(operation);
    if (value === undefined) continue;
    const root = find(value);
    const group = groups.get(root) ?? [];
    groups.set(root, group);
    group.push(operation);
    groupOf.set(operation, group);
  }
  return groupOf;
}
