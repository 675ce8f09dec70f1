import type { NodeId } from "../../core/units.ts";
import type { Subscriber } from "../bus.ts";
import type { CoverageMark } from "../plan/families.ts";
import type { ClusterView } from "../safety/cluster-view.ts";
import { type Marks, phaseOf } from "./marks.ts";

/** Sets a mark for each fault: what has struck whom, in which phase of the cluster's life. */
export class Coverage implements Subscriber {
  readonly #marks: Marks;
  readonly #view: ClusterView;

  constructor(marks: Marks, view: ClusterView) {
    this.#marks = marks;
    this.#view = view;
  }

  struck(what: CoverageMark, id: NodeId): void {
    const view = this.#view;
    const configuration = view.committedConfiguration;
    const phase = view.hasCommitted ? phaseOf(configuration, (voter) => view.raftOf(voter)) : "founding";
    this.#marks.struck(what, phase, id === 0 ? null : view.raftOf(id), configuration, id);
  }
}
