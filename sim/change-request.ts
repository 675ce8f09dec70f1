/** A change request to a node, by whomever: the bus is told that it is asked, and of its answer. */
import type { ChangeResult } from "../core/node/options.ts";
import type { Change } from "../core/protocol/configuration.ts";
import type { NodeId } from "../core/units.ts";
import type { Events } from "./bus.ts";
import type { Request } from "./world/host.ts";

/** `end` is called once, or never: the process that was asked may be lost. */
export function changeRequest(
  bus: Pick<Events, "asked" | "answered">,
  node: NodeId,
  change: Change,
  end: (result: ChangeResult) => void,
): Request {
  bus.asked(node, change);
  const finish = (result: ChangeResult): void => {
    bus.answered(node, change, result);
    end(result);
  };
  return {
    run: (asked) => asked.change(change, finish),
    refused: () => finish({ ok: false, code: "refused", definite: true }),
  };
}
