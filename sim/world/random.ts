/** The node's chance: keyed by node and start, so that a restart draws other numbers and nothing else shifts it. */
import type { Random, RandomSite } from "../../core/ports.ts";
import type { NodeId } from "../../core/units.ts";
import type { Draws, Site } from "../draws.ts";

const siteOf: Readonly<Record<RandomSite, Site>> = {
  "election-jitter": "electionJitter",
  "store-id": "storeId",
  "boot-nonce": "bootNonce",
};

/** For one boot of one node; see core/ports.ts for what it promises. */
export class SimRandom implements Random {
  readonly #draws: Draws;
  readonly #node: NodeId;
  readonly #boot: number;

  constructor(draws: Draws, node: NodeId, boot: number) {
    this.#draws = draws;
    this.#node = node;
    this.#boot = boot;
  }

  draw(site: RandomSite, occasion: number, bound: number): number {
    return this.#draws.below(bound, siteOf[site], this.#node, this.#boot, occasion);
  }
}
